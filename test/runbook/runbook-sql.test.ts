import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type CaptureWorld, startCaptureWorld, type TestDatabase } from '../rig/capture-world.ts';

const run = promisify(execFile);

// Verbatim from the runbook, under the headings named.

/** How to diagnose: check trigger existence. */
const triggerExistence = `SELECT tgname, tgrelid::regclass, tgenabled
FROM pg_trigger
WHERE tgname IN (
'trg_users_history',
'trg_sessions_history',
'trg_passkeys_history'
);`;

/** Smoke test, step 1. */
const tracer = `SET ROLE raptor_app;
INSERT INTO customer_audit_events
(id, dimension, customer_id, actor_id, actor_type, action, at_utc)
VALUES (
'pgaudit-smoke-' || extract(epoch from now())::bigint::text,
'system_automated',
0,
'sre-smoke',
'system_actor',
'smoke.pgaudit_check',
NOW()
);
RESET ROLE;`;

/** Smoke test: to verify trigger capture. */
const triggerTest = `INSERT INTO users (email, email_verified_at)
VALUES ('smoke-trigger-test@example.invalid', NULL)
ON CONFLICT DO NOTHING;`;
const usersHistory = `SELECT * FROM users_history
WHERE changed_at > NOW() - INTERVAL '2 minutes'
ORDER BY changed_at DESC LIMIT 5;`;

/** Failure mode B: re-applying role log_statement. */
const reapply = `ALTER ROLE raptor_app SET log_statement TO 'mod';
ALTER ROLE audit_archiver SET log_statement TO 'mod';`;

/** Platform constraint. */
const pgaudit = `SELECT * FROM pg_available_extensions WHERE name = 'pgaudit';`;

/** What psql's \\drds asks the catalogue. */
const drds = `SELECT rolname AS role, datname AS database, pg_catalog.array_to_string(setconfig, E'\\n') AS settings
FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_database d ON d.oid = setdatabase
LEFT JOIN pg_catalog.pg_roles r ON r.oid = setrole
ORDER BY 1, 2;`;

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', inject('postgres15')],
])('on %s, the runbook’s own SQL', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    let world: CaptureWorld;
    let database: TestDatabase;
    let owner: pg.Client;
    beforeAll(async () => {
      world = await startCaptureWorld(binaries);
      database = await world.installedDatabase();
      owner = await database.connect('raxx_owner');
    });
    afterAll(() => world.stop());

    test('finds three triggers, all enabled as origin', async () => {
      const { rows } = await owner.query(triggerExistence);
      const found = rows.map(({ tgname, tgrelid, tgenabled }) => [tgname, tgrelid, tgenabled]);
      expect(found.sort()).toEqual([
        ['trg_passkeys_history', 'passkeys', 'O'],
        ['trg_sessions_history', 'sessions', 'O'],
        ['trg_users_history', 'users', 'O'],
      ]);
    });

    test('finds fewer where one was dropped, and none enabled that was switched off', async () => {
      await owner.query('begin');
      await owner.query('DROP TRIGGER trg_users_history ON users');
      await owner.query('ALTER TABLE sessions DISABLE TRIGGER trg_sessions_history');
      const { rows } = await owner.query(triggerExistence);
      await owner.query('rollback');
      const found = rows.map(({ tgname, tgenabled }) => [tgname, tgenabled]);
      expect(found.sort()).toEqual([
        ['trg_passkeys_history', 'O'],
        ['trg_sessions_history', 'D'],
      ]);
    });

    test('writes its tracer event as raptor_app', async () => {
      await owner.query(tracer);
      const { rows } = await owner.query(
        `select actor_id, action from customer_audit_events where id like 'pgaudit-smoke-%'`,
      );
      expect(rows).toEqual([{ actor_id: 'sre-smoke', action: 'smoke.pgaudit_check' }]);
    });

    test('sees its trigger test as one INSERT of users_history', async () => {
      await owner.query(triggerTest);
      const first = await owner.query(usersHistory);
      expect(first.rows.map(({ operation }) => operation)).toEqual(['INSERT']);
      expect(first.rows[0].changed_at).toBeInstanceOf(Date);
      // The second time the address is taken: no row is written, and none captured.
      await owner.query(triggerTest);
      expect((await owner.query(usersHistory)).rows).toEqual(first.rows);
    });

    test('can be asked by the role that may only read history', async () => {
      const reader = await database.connect('raptor_audit_compliance');
      const { rows } = await reader.query(usersHistory);
      expect(rows.length).toBeGreaterThan(0);
    });

    test('finds no pgaudit on the embedded server, and one row on Debian’s', async () => {
      const { rows } = await owner.query(pgaudit);
      expect(rows.map(({ name }) => name)).toEqual(binaries === undefined ? [] : ['pgaudit']);
    });

    test('is refused its ALTER ROLE as the owner, and repairs as a superuser', async () => {
      await expect(owner.query(reapply)).rejects.toMatchObject({ code: '42501' });
      const superuser = await database.superuser();
      await superuser.query('ALTER ROLE raptor_app RESET log_statement');
      await superuser.query(reapply);
      expect(await roleSettings(owner)).toEqual(expected);
    });

    test('has \\drds’ two lines, by the query that psql sends', async () => {
      expect(await roleSettings(owner)).toEqual(expected);
    });

    // psql comes with Debian's server, not with the embedded one; it speaks to both.
    test.skipIf(inject('postgres15') === '')(
      'has \\drds’ two lines, by psql’s own \\drds',
      async () => {
        const { stdout } = await run(
          'psql',
          [
            '--no-psqlrc',
            '--no-align',
            '--tuples-only',
            database.url('raxx_owner'),
            '-c',
            '\\drds',
          ],
          { env: { PATH: process.env['PATH'] ?? '' } },
        );
        const lines = stdout.trim().split('\n');
        expect(lines).toContain('raptor_app||log_statement=mod');
        expect(lines).toContain('audit_archiver||log_statement=mod');
        // The example's own addition: the owner's DDL is logged.
        expect(lines).toHaveLength(3);
      },
    );
  });
});

const expected = [
  ['audit_archiver', null, 'log_statement=mod'],
  ['raptor_app', null, 'log_statement=mod'],
  ['raxx_owner', null, 'log_statement=ddl'],
];

async function roleSettings(client: pg.Client): Promise<unknown[][]> {
  const { rows } = await client.query(drds);
  return rows.map(({ role, database, settings }) => [role, database, settings]);
}
