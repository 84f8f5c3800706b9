import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type CaptureWorld, raxxTarget, startCaptureWorld } from '../../test/rig/capture-world.ts';
import { shown } from '../../test/rig/covered-schemas.ts';
import { readCoverage } from './coverage.ts';
import type { Gap } from './coverage-gap.ts';
import { installCapture } from './install.ts';
import type { CaptureTarget } from './target.ts';

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', inject('postgres15')],
])('on %s, coverage of a database', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    let world: CaptureWorld;
    let database: Awaited<ReturnType<CaptureWorld['database']>>;
    let owner: pg.Client;
    let root: pg.Client;
    let writes = 0;
    beforeAll(async () => {
      world = await startCaptureWorld(binaries, {
        log_min_messages: 'warning',
        wal_level: 'logical',
      });
      database = await world.database();
      owner = await database.connect('raxx_owner');
      root = await database.superuser();
      await installCapture({ owner, superuser: root }, raxxTarget);
    });
    afterAll(() => world.stop());

    /** What is said of the database itself, and not always. */
    async function general(
      more: Partial<CaptureTarget> = {},
      client: pg.Client = owner,
    ): Promise<Gap[]> {
      const target = { ...raxxTarget, applicationLogin: 'raptor_app', ...more };
      const { gaps } = await readCoverage(client, target);
      const usual = ['write.lastval', 'role.superusers', 'setting.log-statement'];
      return gaps.filter(
        ({ id, table }) => table === undefined && !(usual.includes(id) && !('all' in more)),
      );
    }

    const ids = async (...given: Parameters<typeof general>) =>
      (await general(...given)).map(shown);

    /** What a change of the server does to the answer; it is taken back. */
    async function during(change: string, back: string, look: () => Promise<void>): Promise<void> {
      await root.query(change);
      try {
        await look();
      } finally {
        await root.query(back);
      }
    }

    /** What of a write of the application reaches the server log. */
    async function whatIsLogged(): Promise<'no line' | 'no statement' | 'statement'> {
      writes += 1;
      const email = `logged-${writes}@example.invalid`;
      const app = await database.connect('raptor_app');
      await app.query(`insert into users (email) values ('${email}')`);
      await app.end();
      const { rows } = await owner.query(
        `select xid::text from users_history where (image_1).email = $1`,
        [email],
      );
      // The owner's failure comes after it in the same log.
      await owner.query(`select 'marker-${writes}'::int`).catch(() => undefined);
      for (let tries = 0; tries < 100; tries += 1) {
        const log = world.server.logDirectory;
        const texts = await Promise.all(
          (await readdir(log)).map((file) => readFile(join(log, file), 'utf8')),
        );
        const lines = texts.join('').split('\n');
        if (lines.some((line) => line.includes(`marker-${writes}`))) {
          const line = lines.find((text) => text.includes(`xid=${rows[0]?.xid} sub=`));
          if (line === undefined) return 'no line';
          return line.includes(email) ? 'statement' : 'no statement';
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error('the marker did not reach the log');
    }

    test('the example, installed, has no gap', async () => {
      const { gaps, tables } = await readCoverage(owner, {
        ...raxxTarget,
        applicationLogin: 'raptor_app',
      });
      expect(gaps.filter(({ level }) => level === 'gap')).toEqual([]);
      expect(tables.map(({ state, kind }) => `${kind} ${state}`)).toEqual([
        ...Array(6).fill('captured on'),
        'append-only on',
      ]);
    });

    test('an application that logs in as the owner, or can act as it, is a gap; another such login a note', async () => {
      expect(await ids({ applicationLogin: 'raxx_owner' })).toEqual(['gap role.shared-login']);
      const { applicationLogin: _nobody, ...unknown } = raxxTarget;
      const { gaps } = await readCoverage(owner, unknown);
      expect(gaps.map(shown)).toContain('note role.login-unknown');
      await during(
        'create role dba login; grant raxx_owner to dba, audit_archiver',
        'revoke raxx_owner from audit_archiver; drop role dba',
        async () => {
          const found = await general();
          expect(found.map(shown)).toEqual([
            'gap role.member-of-owner',
            'note role.member-of-owner',
          ]);
          expect(found[0]?.what).toContain('evidence of tampering at best');
          expect(found[1]?.what).toContain('dba can act as the owner');
        },
      );
    });

    test('CREATEROLE makes a role a member of the owner before Postgres 16, and not after', async () => {
      await during(
        "create role maker login createrole password 'p@ss/w%rd:1'",
        'drop role maker',
        async () => {
          const maker = await database.connect('maker');
          const become = () => maker.query('grant raxx_owner to maker; set role raxx_owner');
          if (binaries === undefined) {
            expect(await ids()).toEqual([]);
            await expect(become()).rejects.toThrow('permission denied');
          } else {
            expect(await ids()).toEqual(['note role.member-of-owner']);
            await become();
            await maker.query('reset role');
          }
          await maker.end();
        },
      );
    });

    test('who may write or read all data reaches history and the witness key', async () => {
      await during(
        `create role etl login password 'p@ss/w%rd:1'; grant pg_write_all_data, pg_read_all_data to etl;
         create role reader login; grant pg_read_all_data to reader;
         create role runner; grant pg_execute_server_program to runner`,
        'drop role etl, reader, runner',
        async () => {
          expect(await ids()).toEqual([
            'gap role.writes-all-data',
            'note role.reads-all-data',
            'note role.reaches-server',
          ]);
          const etl = await database.connect('etl');
          await etl.query(`begin; insert into users_history (operation, changed_at, xid, session_role, active_role)
            values ('INSERT', now(), '1', 'x', 'x')`);
          await etl.query('update pgwitness.witness_key set made_at = now(); rollback');
          await expect(etl.query('delete from users_history')).rejects.toThrow('append-only');
          await etl.end();
        },
      );
    });

    test('a function or a right in the schema pgwitness that was altered undoes what rests on it', async () => {
      await during(
        'grant select on pgwitness.witness_key to raptor_app',
        'revoke select on pgwitness.witness_key from raptor_app',
        async () => expect(await ids()).toEqual(['gap install.altered']),
      );
      const { rows } = await owner.query(
        `select pg_get_functiondef('pgwitness.refuse_change'::regproc) as def`,
      );
      await owner.query(
        rows[0].def.replace('raise exception using', 'return new; raise exception using'),
      );
      const [found] = await general();
      expect(found).toMatchObject({ id: 'install.altered', level: 'gap' });
      expect(found?.what).toContain('refuse_change');
      await owner.query(rows[0].def);
      expect(await ids()).toEqual([]);
    });

    test('the owner of a schema can drop capture', async () => {
      await during(
        'alter schema public owner to raptor_app',
        'alter schema public owner to pg_database_owner',
        async () => {
          expect(await ids()).toEqual(['gap role.schema-owner']);
          const app = await database.connect('raptor_app');
          await app.query('begin; drop function fn_capture_users_history() cascade; rollback');
          await app.end();
        },
      );
    });

    test('an application that is a superuser is bound by nothing', async () => {
      await during(
        'alter role raptor_app superuser',
        'alter role raptor_app nosuperuser',
        async () => expect(await ids()).toContain('gap role.superuser'),
      );
    });

    test('who logs in as a replica, or may become one, writes uncaptured', async () => {
      await during(
        'alter role raptor_app set session_replication_role = replica',
        'alter role raptor_app reset session_replication_role',
        async () => {
          expect(await ids()).toEqual(['gap setting.replica']);
          const always = raxxTarget.tables.map((table) => ({ ...table, always: true }));
          expect(await ids({ tables: always, appendOnly: [] })).not.toContain(
            'gap setting.replica',
          );
          const app = await database.connect('raptor_app');
          await app.query(`begin; insert into users (email) values ('replica@example.invalid')`);
          const { rows } = await app.query('select count(*)::int from users_history');
          expect(rows).toEqual([{ count: 0 }]);
          await app.query('rollback');
          await app.end();
        },
      );
      await during(
        `create function quiet() returns void language sql set session_replication_role = replica as ''`,
        'drop function quiet()',
        async () => expect(await ids()).toEqual(['gap setting.replica-function']),
      );
      await during(
        'create role loader login; grant set on parameter session_replication_role to loader',
        'drop owned by loader; drop role loader',
        async () => expect(await ids()).toEqual(['note setting.granted']),
      );
    });

    test('settings that keep a witness line or its statement from the log are gaps, of whomever they are', async () => {
      const cases = [
        ['log_min_messages', 'fatal', ['gap setting.no-lines'], 'no line'],
        ['log_min_messages', 'log', [], 'statement'],
        ['log_min_error_statement', 'panic', ['gap setting.no-statements'], 'no statement'],
        ['log_min_error_statement', 'log', [], 'statement'],
        ['log_error_verbosity', 'terse', ['note setting.terse'], 'statement'],
      ] as const;
      for (const [name, value, expected, logged] of cases) {
        await during(
          `alter role raptor_app in database ${database.name} set ${name} = ${value}`,
          `alter role raptor_app in database ${database.name} reset ${name}`,
          async () => {
            expect([name, value, await ids()]).toEqual([name, value, expected]);
            expect([name, value, await whatIsLogged()]).toEqual([name, value, logged]);
          },
        );
      }
      expect(await ids({ witness: false })).toContain('note setting.no-witness');
    });

    test('what a role’s own setting hides from this login is not guessed', async () => {
      await during(
        'alter role raxx_owner set log_min_messages = warning',
        'alter role raxx_owner reset log_min_messages',
        async () => {
          const again = await database.connect('raxx_owner');
          const [found] = await general({}, again);
          expect(found).toMatchObject({ id: 'setting.no-lines', level: 'gap' });
          expect(found?.what).toMatch(
            /^Can't tell what log_min_messages is at the login of .*raptor_app/,
          );
          await again.end();
        },
      );
    });

    test('an owner whose DDL is logged needs no more, and an application does', async () => {
      const said = async () =>
        (await general({ all: true, roles: [] } as Partial<CaptureTarget>)).find(
          ({ id }) => id === 'setting.log-statement',
        )?.what;
      await during(
        'alter role raxx_owner set log_statement = ddl',
        'alter role raxx_owner reset log_statement',
        async () => expect((await said()) ?? '').not.toContain('raxx_owner'),
      );
      await during(
        'alter role raxx_owner set log_statement = none',
        'alter role raxx_owner reset log_statement',
        async () => expect(await said()).toContain('raxx_owner'),
      );
      await during(
        'alter role raptor_app set log_statement = ddl',
        'alter role raptor_app set log_statement = mod',
        async () => expect(await said()).toContain('raptor_app'),
      );
    });

    test('log_statement that is not as configured is noted', async () => {
      await during(
        'alter role raptor_app set log_statement = none',
        'alter role raptor_app set log_statement = mod',
        async () => {
          const { gaps } = await readCoverage(owner, raxxTarget);
          expect(gaps.find(({ id }) => id === 'setting.log-statement')?.what).toContain(
            'raptor_app (none, not mod)',
          );
        },
      );
    });

    test('a login that may not read the schema pgwitness says that it can’t tell', async () => {
      await during(
        'revoke usage on schema pgwitness from public',
        'grant usage on schema pgwitness to public',
        async () => {
          const reader = await database.connect('raptor_audit_compliance');
          expect(await ids({}, reader)).toContain('gap install.unreadable');
          await reader.end();
        },
      );
    });

    // What Postgres's apply worker fires is the same on both: a test of 18 alone.
    const onNewest: typeof test | (() => void) = binaries === undefined ? test : () => undefined;
    onNewest(
      'a subscription’s rows are not captured, ALWAYS or not, and that is said',
      async () => {
        const source = await world.emptyDatabase();
        const publisher = await source.superuser();
        const ddl =
          'create table told (id int primary key); create table always_told (id int primary key)';
        await publisher.query(`${ddl}; create publication p for all tables`);
        await publisher.query(`select pg_create_logical_replication_slot('s', 'pgoutput')`);
        const target = {
          ...raxxTarget,
          tables: [
            { schema: 'public', name: 'told' },
            { schema: 'public', name: 'always_told', always: true },
          ],
          appendOnly: [],
        };
        await owner.query(ddl);
        expect((await installCapture({ owner, superuser: root }, target)).kind).toBe('installed');
        const url = new URL(
          world.server.url('postgres', world.server.superuser.password, source.name),
        );
        await root.query(`create subscription s connection 'host=127.0.0.1 port=${url.port} dbname=${source.name} user=postgres password=${world.server.superuser.password}'
        publication p with (create_slot = false, slot_name = 's')`);
        try {
          const until = async (rows: number) => {
            for (let tries = 0; tries < 200; tries += 1) {
              const { rows: found } = await root.query(`select
              (select count(*) from told)::int + (select count(*) from always_told)::int as count,
              (select bool_and(srsubstate = 'r') from pg_subscription_rel) as ready`);
              if (found[0].count === rows && found[0].ready === true) return;
              await new Promise((resolve) => setTimeout(resolve, 50));
            }
            throw new Error(`the subscription did not bring ${rows} rows`);
          };
          await until(0);
          await publisher.query('insert into told values (1); insert into always_told values (1)');
          await until(2);
          const { gaps } = await readCoverage(owner, target);
          expect(
            gaps.filter(({ id }) => id === 'table.subscription').map(({ table }) => table),
          ).toEqual(['public.told', 'public.always_told']);
          const { rows } = await owner.query(
            'select from told_history union all select from always_told_history',
          );
          expect(rows).toEqual([]);
        } finally {
          await root.query('alter subscription s disable');
          await root.query('alter subscription s set (slot_name = none)');
          await root.query('drop subscription s');
        }
      },
    );
  });
});
