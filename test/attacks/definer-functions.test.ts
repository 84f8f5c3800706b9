import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type CaptureWorld, startCaptureWorld } from '../rig/capture-world.ts';

interface FunctionRow {
  readonly name: string;
  readonly definer: boolean;
  readonly owner: string;
  readonly language: string;
  readonly path: string | null;
  readonly executors: readonly string[];
}

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', inject('postgres15')],
])('on %s, of the functions in an installed database', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    let world: CaptureWorld;
    let client: pg.Client;
    let functions: readonly FunctionRow[];
    beforeAll(async () => {
      world = await startCaptureWorld(binaries);
      client = await (await world.installedDatabase()).superuser();
      // Every one that Postgres did not bring: whatever schema a later version puts it in.
      const { rows } = await client.query<FunctionRow>(`
        select p.oid::regprocedure::text as name, p.prosecdef as definer,
          pg_get_userbyid(p.proowner) as owner, l.lanname as language,
          (select substr(s, 13) from unnest(p.proconfig) s where s like 'search\\_path=%') as path,
          array(
            select case acl.grantee when 0 then 'public' else pg_get_userbyid(acl.grantee) end::text
            from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
            where acl.grantee <> p.proowner and acl.privilege_type = 'EXECUTE'
          ) as executors
        from pg_proc p join pg_language l on l.oid = p.prolang
        where p.oid >= 16384
          and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
        order by 1`);
      functions = rows;
    });
    afterAll(() => world.stop());

    test('each with definer rights looks in pg_catalog first and in pg_temp last', () => {
      const definers = functions.filter(({ definer }) => definer);
      expect(definers.length).toBeGreaterThanOrEqual(6);
      for (const { name, path } of definers) {
        const schemas = (path ?? '').split(', ');
        expect(schemas[0], name).toBe('pg_catalog');
        expect(schemas.at(-1), name).toBe('pg_temp');
        // Nothing in between: any schema that others may create in would do.
        expect(schemas, name).toHaveLength(2);
      }
    });

    /** Whoever may replace images gets tokens to put there; by them it could guess what others stand for. */
    const granted: Readonly<Record<string, readonly string[]>> = {
      'pgwitness.pseudonym(text)': ['audit_archiver'],
    };

    test('none with definer rights may be executed by PUBLIC, by the application or by any other role', () => {
      for (const { name, definer, executors } of functions) {
        if (definer) expect(executors, name).toEqual(granted[name] ?? []);
      }
    });

    test('each belongs to the owner of the tables', () => {
      for (const { name, owner } of functions) expect(owner, name).toBe('raxx_owner');
    });

    test('none without definer rights trusts the caller’s search_path either', () => {
      for (const { name, path } of functions) {
        expect(['pg_catalog', 'pg_catalog, pg_temp'], name).toContain(path);
      }
    });

    test('none that reads the key may be executed by others, whosever rights it has', async () => {
      const { rows } = await client.query<{ name: string }>(`
        select oid::regprocedure::text as name from pg_proc
        where oid >= 16384 and prosrc ~ 'witness_key|outer_pad|inner_pad'`);
      for (const { name } of rows) {
        const { executors } = functions.find((candidate) => candidate.name === name) ?? {};
        expect(executors, name).toEqual(granted[name] ?? []);
      }
    });

    test('each fixes what a session could set to read the key, or to fail a write', async () => {
      const { rows } = await client.query<{ name: string; settings: string[] }>(`
        select oid::regprocedure::text as name, proconfig as settings from pg_proc
        where oid >= 16384 and prosecdef`);
      for (const { name, settings } of rows) {
        const fixed = settings.map((setting) => setting.split('=', 1)[0]);
        expect(fixed, name).toEqual(
          expect.arrayContaining([
            'search_path',
            // A plan shows the values of variables.
            'debug_print_plan',
            // A message that the client's encoding can't hold would fail the write.
            'client_min_messages',
            'quote_all_identifiers',
          ]),
        );
      }
    });
  });
});
