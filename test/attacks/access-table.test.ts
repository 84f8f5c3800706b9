import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { installCapture } from '../../src/capture/install.ts';
import type { CaptureTarget } from '../../src/capture/target.ts';
import {
  type CaptureWorld,
  raxxTarget,
  startCaptureWorld,
  type TestDatabase,
} from '../rig/capture-world.ts';

const roles = ['raptor_app', 'audit_archiver', 'raptor_audit_compliance', 'stranger'] as const;

/** Columns that hold what a row was: the rest says who changed it, when and how. */
const isImage = (column: string) => /^(image|before|drifted)/.test(column);

/** The example without the runbook's INSERT: what `pgwitness init` proposes. */
const stricter: CaptureTarget = {
  ...raxxTarget,
  roles: raxxTarget.roles.map((role) =>
    role.name === 'raptor_app' ? { ...role, history: ['select'] } : role,
  ),
};

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', inject('postgres15')],
])('on %s', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    let world: CaptureWorld;
    let example: TestDatabase;
    let strict: TestDatabase;
    beforeAll(async () => {
      world = await startCaptureWorld(binaries);
      example = await world.installedDatabase();
      const superuser = await example.superuser();
      await superuser.query('create role stranger');
      strict = await world.database();
      const owner = await strict.connect('raxx_owner');
      const outcome = await installCapture({ owner, superuser }, stricter);
      expect(outcome.kind).toBe('installed');
    });
    afterAll(() => world.stop());

    describe('the runbook’s access table, by the catalogue', () => {
      test('holds exactly for each history table of the example', async () => {
        const superuser = await example.superuser();
        for (const table of await historyTables(superuser)) {
          const held = await privileges(superuser, table);
          const columns = await columnsOf(superuser, table);
          expect(held, table).toEqual({
            raptor_app: { select: columns, insert: expect.any(Array) },
            audit_archiver: { select: columns, update: columns.filter(isImage) },
            raptor_audit_compliance: { select: columns },
            stranger: {},
          });
          // Neither a place of its own choosing, nor another's transaction, nor what was captured.
          const said = columns.filter((name) => !isImage(name));
          expect(held['raptor_app']?.['insert'], table).toEqual(
            said.filter((name) => !['id', 'first_xmin', 'position'].includes(name)),
          );
        }
      });

      test('is stricter where the configuration says nothing of insert', async () => {
        const superuser = await strict.superuser();
        for (const table of await historyTables(superuser)) {
          const columns = await columnsOf(superuser, table);
          expect(await privileges(superuser, table), table).toEqual({
            raptor_app: { select: columns },
            audit_archiver: { select: columns, update: columns.filter(isImage) },
            raptor_audit_compliance: { select: columns },
            stranger: {},
          });
        }
      });

      test('gives no one a right to hand on, and none on sequences', async () => {
        for (const database of [example, strict]) {
          const superuser = await database.superuser();
          const { rows } = await superuser.query(`
            select c.relname, acl.grantee::regrole::text, acl.privilege_type
            from pg_class c, aclexplode(c.relacl) acl
            where c.relowner = 'raxx_owner'::regrole and acl.grantee <> c.relowner
              and (acl.is_grantable or c.relkind = 'S' and c.relname like '%\\_history\\_%')`);
          expect(rows).toEqual([]);
        }
      });

      test('lets no one but the owner put triggers on what is captured, guarded or history', async () => {
        const superuser = await example.superuser();
        const { rows } = await superuser.query(
          `
          select c.relname, r.rolname from pg_class c, pg_roles r
          where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
            and r.rolname = any ($1) and has_table_privilege(r.oid, c.oid, 'trigger')`,
          [roles],
        );
        expect(rows).toEqual([]);
      });

      test('lets the schema pgwitness be looked into, and not changed', async () => {
        const superuser = await example.superuser();
        const { rows } = await superuser.query(
          `
          select r.rolname as role,
            has_schema_privilege(r.oid, 'pgwitness', 'create') as creates,
            array(
              select c.relname || ' ' || p from pg_class c,
                unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p
              where c.relnamespace = 'pgwitness'::regnamespace and c.relkind in ('r', 'v')
                and has_table_privilege(r.oid, c.oid, p)
            ) as changes
          from pg_roles r where r.rolname = any ($1) order by 1`,
          [roles],
        );
        expect(rows).toEqual(
          [...roles].sort().map((role) => ({ role, creates: false, changes: [] })),
        );
      });
    });

    describe('the runbook’s access table, by doing', () => {
      const insert = `insert into users_history (operation, changed_at, xid, session_role, active_role)
        values ('TRUNCATE', now(), '1', 'x', 'x')`;
      const tries: Readonly<Record<string, string>> = {
        select: 'select * from users_history limit 1',
        insert,
        'update of the image': '',
        'update of the rest': `update users_history set operation = 'DELETE'`,
        delete: 'delete from users_history',
        truncate: 'truncate users_history',
      };
      const allowed: Readonly<Record<string, readonly string[]>> = {
        raptor_app: ['select', 'insert'],
        audit_archiver: ['select', 'update of the image'],
        raptor_audit_compliance: ['select'],
      };

      test.each(Object.keys(allowed))('%s may do what it says, and nothing else', async (role) => {
        for (const [database, but] of [
          [example, ''],
          [strict, 'insert'],
        ] as const) {
          const client = await database.connect(role);
          const image = (await columnsOf(client, 'users_history')).filter(isImage)[0];
          const done: string[] = [];
          for (const [what, sql] of Object.entries(tries)) {
            await client.query('begin');
            try {
              await client.query(sql === '' ? `update users_history set ${image} = ${image}` : sql);
              done.push(what);
            } catch (error) {
              expect((error as { code?: string }).code, `${role}: ${what}`).toBe('42501');
            }
            await client.query('rollback');
          }
          expect(done).toEqual(allowed[role]?.filter((what) => what !== but));
        }
      });

      test('needs no INSERT of the application for its writes to be captured', async () => {
        const app = await strict.connect('raptor_app');
        await app.query(
          `insert into users (email) values ('a'); update users set email = 'b'; delete from users`,
        );
        const { rows } = await app.query(
          'select operation, session_role from users_history order by id',
        );
        expect(rows).toEqual(
          ['INSERT', 'UPDATE', 'DELETE'].map((operation) => ({
            operation,
            session_role: 'raptor_app',
          })),
        );
      });
    });
  });
});

async function historyTables(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r' and relname like '%\\_history' order by 1`);
  expect(rows).toHaveLength(6);
  return rows.map(({ name }) => name);
}

async function columnsOf(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select attname::text as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
    [table],
  );
  return rows.map(({ name }) => name);
}

/** By role and privilege, the columns on which the role has it; every column, for those of whole tables. */
async function privileges(
  client: pg.Client,
  table: string,
): Promise<Record<string, Record<string, string[]>>> {
  const { rows } = await client.query<{ role: string; privilege: string; columns: string[] }>(
    `select r.role, p.privilege, array(
       select a.attname::text from pg_attribute a
       where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped and (
         has_table_privilege(r.role, a.attrelid, p.privilege)
         or p.of_columns and has_column_privilege(r.role, a.attrelid, a.attnum, p.privilege)
       ) order by a.attnum
     ) as columns
     from unnest($2::text[]) r (role), (
       select privilege, privilege in ('select', 'insert', 'update', 'references') from
       unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']
         || case when current_setting('server_version_num')::int >= 170000 then '{maintain}'::text[] end) privilege
     ) p (privilege, of_columns)`,
    [table, roles],
  );
  const held: Record<string, Record<string, string[]>> = {};
  for (const { role, privilege, columns } of rows) {
    held[role] ??= {};
    if (columns.length > 0) held[role][privilege] = columns;
  }
  return held;
}
