import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  type CaptureWorld,
  everything,
  password,
  raxxTarget,
  startCaptureWorld,
  usualNotes,
} from '../../test/rig/capture-world.ts';
import { installCapture } from './install.ts';
import { blockedObjects, driftOf, planCapture, refusedObjects } from './plan.ts';
import { historyColumns } from './plan-history.ts';
import { planSql } from './plan-sql.ts';

const postgres15 = inject('postgres15');

/** The runbook's query, with its three names. */
const runbookTriggers = `
  SELECT tgname, tgrelid::regclass, tgenabled
  FROM pg_trigger
  WHERE tgname IN ('trg_users_history', 'trg_sessions_history', 'trg_passkeys_history')`;

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', postgres15],
])('on %s, install', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    let world: CaptureWorld;
    beforeAll(async () => {
      world = await startCaptureWorld(binaries);
    });
    afterAll(() => world.stop());

    /** A database in which capture stands. */
    async function installed() {
      const database = await world.installedDatabase();
      const owner = await database.connect('raxx_owner');
      const superuser = await database.superuser();
      return { database, owner, superuser };
    }

    test('answers the runbook’s own queries as the runbook says', async () => {
      const { owner, superuser } = await installed();
      const triggers = await owner.query(runbookTriggers);
      expect(triggers.rows.map((row) => [row.tgname, row.tgenabled]).sort()).toEqual([
        ['trg_passkeys_history', 'O'],
        ['trg_sessions_history', 'O'],
        ['trg_users_history', 'O'],
      ]);
      await owner.query(`
        INSERT INTO users (email, email_verified_at)
        VALUES ('smoke-trigger-test@example.invalid', NULL)
        ON CONFLICT DO NOTHING`);
      const history = await owner.query(`
        SELECT * FROM users_history
        WHERE changed_at > NOW() - INTERVAL '2 minutes'
        ORDER BY changed_at DESC LIMIT 5`);
      expect(history.rows.map((row) => row.operation)).toEqual(['INSERT']);
      const drds = await superuser.query(`
        select r.rolname, s.setdatabase, s.setconfig from pg_db_role_setting s
        join pg_roles r on r.oid = s.setrole order by 1`);
      expect(drds.rows).toEqual([
        { rolname: 'audit_archiver', setdatabase: 0, setconfig: ['log_statement=mod'] },
        { rolname: 'raptor_app', setdatabase: 0, setconfig: ['log_statement=mod'] },
        { rolname: 'raxx_owner', setdatabase: 0, setconfig: ['log_statement=ddl'] },
      ]);
    });

    test('changes nothing the second time', async () => {
      const { owner, superuser } = await installed();
      const before = await everything(owner);
      const again = await installCapture({ owner, superuser }, raxxTarget);
      expect(again.kind).toBe('nothing-to-do');
      expect(planSql(again.plan)).toMatch(/-- Nothing to do\.\n$/);
      expect(await everything(owner)).toBe(before);
    });

    test('gives the configured roles exactly the privileges of the runbook’s table', async () => {
      const { owner } = await installed();
      const held = await owner.query(`
        select r.rolname as role, string_agg(p.name, ' ' order by p.name) as may
        from (values ('raptor_app'), ('audit_archiver'), ('raptor_audit_compliance')) r (rolname)
        cross join (values ('select'), ('insert'), ('update'), ('delete'), ('truncate'), ('references'), ('trigger')) p (name)
        where has_table_privilege(r.rolname, 'users_history', p.name) group by 1 order by 1`);
      expect(held.rows).toEqual([
        { role: 'audit_archiver', may: 'select' },
        { role: 'raptor_app', may: 'select' },
        { role: 'raptor_audit_compliance', may: 'select' },
      ]);
      const columns = async (role: string, privilege: string) => {
        const { rows } = await owner.query(
          `select attname::text as name from pg_attribute where attrelid = 'users_history'::regclass
             and attnum > 0 and has_column_privilege($1, attrelid, attnum, $2) order by attnum`,
          [role, privilege],
        );
        return rows.map(({ name }) => name);
      };
      expect(await columns('audit_archiver', 'update')).toEqual(['drifted', 'image_1', 'before_1']);
      expect(await columns('raptor_app', 'insert')).toEqual([
        ...Object.keys(historyColumns).filter(
          (name) => !['id', 'position', 'first_xmin', 'drifted'].includes(name),
        ),
      ]);
    });

    test('makes history as the code expects it, with nothing else', async () => {
      const { owner } = await installed();
      const { rows } = await owner.query(`
        select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
        where attrelid = 'users_history'::regclass and attnum > 0 order by attnum`);
      expect(Object.fromEntries(rows.map(({ name, type }) => [name, type]))).toEqual({
        ...historyColumns,
        image_1: 'users_image_1',
        before_1: 'users_image_1',
      });
    });

    test('puts right what was taken off, switched off or rewritten since', async () => {
      const { owner, superuser } = await installed();
      await owner.query(`
        alter table users disable trigger trg_users_history;
        drop trigger trg_sessions_history_update on sessions;
        alter table passkeys enable always trigger trg_passkeys_history;
        drop trigger pgwitness_append_only on users_history;
        create or replace trigger pgwitness_append_only before delete or truncate or update of operation
          on sessions_history for each statement execute function pgwitness.refuse_change();
        grant delete on trades_history to raptor_app;
        grant select on positions_history to public;
        create or replace function fn_capture_trades_history() returns trigger language plpgsql as
          $$ begin return null; end $$`);
      const plan = await planCapture({ owner, superuser }, raxxTarget);
      const pending = plan.objects.filter(({ action }) => action !== 'unchanged');
      const off = 'capture was off, and rows may have changed meanwhile';
      expect(pending.map(({ action, name, why }) => `${action} ${name}: ${why}`)).toEqual([
        'create pgwitness_append_only on public.users_history: undefined',
        'change pgwitness_append_only on public.sessions_history: it is not as capture makes it',
        'change everyone on public.positions_history: nothing: PUBLIC holds privileges on it',
        expect.stringMatching(
          /^change raptor_app on public.trades_history: insert \(no id, no image\), select: it holds .*delete/,
        ),
        'change public.fn_capture_trades_history(): it was altered since it was installed',
        'change trg_users_history on public.users: it is disabled',
        `change baseline of public.users: ${off}`,
        'create trg_sessions_history_update on public.sessions: undefined',
        `change baseline of public.sessions: ${off}`,
        'change trg_passkeys_history on public.passkeys: it is enabled as ALWAYS',
        `change baseline of public.trades: ${off}`,
      ]);
      expect((await installCapture({ owner, superuser }, raxxTarget)).kind).toBe('installed');
      expect((await installCapture({ owner, superuser }, raxxTarget)).kind).toBe('nothing-to-do');
    });

    test('sets log_statement itself where the owner was granted it', async () => {
      const database = await world.database();
      const superuser = await database.superuser();
      const owner = await database.connect('raxx_owner');
      await superuser.query(`
        grant set on parameter log_statement to raxx_owner;
        alter role raxx_owner createrole;
        grant raptor_app, audit_archiver to raxx_owner with admin option`);
      try {
        const outcome = await installCapture({ owner }, raxxTarget);
        expect(blockedObjects(outcome.plan)).toEqual([]);
        const { rows } = await superuser.query(
          'select setconfig from pg_db_role_setting order by 1',
        );
        expect(rows).toEqual([
          { setconfig: ['log_statement=ddl'] },
          { setconfig: ['log_statement=mod'] },
          { setconfig: ['log_statement=mod'] },
        ]);
      } finally {
        await superuser.query(`
          revoke set on parameter log_statement from raxx_owner;
          alter role raxx_owner nocreaterole;
          revoke audit_archiver from raxx_owner;
          revoke admin option for raptor_app from raxx_owner cascade`);
      }
    });

    test('pins the search_path of every SECURITY DEFINER function', async () => {
      const { owner } = await installed();
      const { rows } = await owner.query(`
        select proname, proconfig from pg_proc
        where prosecdef and pronamespace::regnamespace::text in ('public', 'pgwitness')`);
      // Two a table, one for all append-only tables, one that gives the tokens of pseudonymized values.
      expect(rows).toHaveLength(14);
      for (const row of rows) expect(row.proconfig).toContain('search_path=pg_catalog, pg_temp');
    });

    test('adopts what is as it has to be, though nothing tells that it is ours', async () => {
      const { owner, superuser } = await installed();
      await owner.query(`insert into users (email) values ('kept@example.invalid')`);
      await owner.query('drop schema pgwitness cascade');
      const { kind, plan } = await installCapture({ owner, superuser }, raxxTarget);
      expect(kind).toBe('installed');
      const users = plan.objects.filter(({ name }) => /users_history(\b|_)/.test(name));
      const adopted = users.filter(({ action }) => action === 'adopt');
      expect(adopted.map(({ name }) => name)).toEqual([
        'public.users_history',
        'image_1 of public.users_history',
        'public.fn_witness_users_history()',
        'public.fn_capture_users_history()',
        'trg_users_history on public.users',
        'trg_users_history_update on public.users',
        'trg_users_history_delete on public.users',
        'trg_users_history_truncate on public.users',
      ]);
      const { rows } = await owner.query('select count(*)::int as rows from users_history');
      expect(rows).toEqual([{ rows: 1 }]);
    });

    test('judges log_statement by what holds for a login to this database', async () => {
      const database = await world.database();
      const superuser = await database.superuser();
      const owner = await database.connect('raxx_owner');
      await superuser.query(`
        alter role raptor_app set log_statement to 'mod';
        alter role raptor_app in database ${database.name} set log_statement to 'none'`);
      await installCapture({ owner, superuser }, raxxTarget);
      const app = await database.connect('raptor_app');
      expect((await app.query('show log_statement')).rows).toEqual([{ log_statement: 'mod' }]);
      await superuser.query(`alter role raptor_app in database ${database.name} reset all`);
    });

    test('tells of an owner that is the application, and of none that is listed for its DDL', async () => {
      const { owner } = await installed();
      const notes = async (more: object) =>
        (await planCapture({ owner }, { ...raxxTarget, ...more })).notes;
      expect(await notes({})).toEqual(usualNotes);
      expect(await notes({ applicationLogin: 'raptor_app' })).toEqual(usualNotes);
      const told = [
        expect.stringMatching(/^raxx_owner is both the owner and a role of the appl/),
        ...usualNotes,
      ];
      expect(await notes({ applicationLogin: 'raxx_owner' })).toEqual(told);
      const roles = [...raxxTarget.roles.slice(1), { name: 'raxx_owner', history: ['select'] }];
      expect(await notes({ roles })).toEqual(told);
    });

    test('plans with no right to write', async () => {
      const { database } = await installed();
      const reader = await database.connect('raptor_audit_compliance');
      await reader.query('set default_transaction_read_only = on');
      const plan = await planCapture({ owner: reader }, raxxTarget);
      const wrong = plan.objects.filter(({ action }) => action !== 'unchanged');
      // It may not install, and says so; all else it sees as it is.
      expect(wrong.map(({ name, action }) => [name, action])).toEqual([['raxx_owner', 'refuse']]);
    });

    test('makes a new form of image when a key is renamed or replaced', async () => {
      const { owner, superuser } = await installed();
      await owner.query(`
        insert into users (id, email) overriding system value values (1, 'trader@example.invalid');
        insert into trades (id, user_id, symbol, side, quantity, price)
          overriding system value values (1, 1, 'X', 'buy', 1, 1);
        alter table trades rename column id to trade_id;
        alter table trades add column id int default 7`);
      const plan = await planCapture({ owner, superuser }, raxxTarget);
      expect(new Set(driftOf(plan).map(({ kind, action }) => `${action} ${kind}`))).toEqual(
        new Set([
          'create image',
          'change view',
          'change grant',
          'change function',
          'change record',
        ]),
      );
      expect((await installCapture({ owner, superuser }, raxxTarget)).kind).toBe('installed');
      expect((await installCapture({ owner, superuser }, raxxTarget)).kind).toBe('nothing-to-do');
      await owner.query('update trades set price = 2');
      const { rows } = await owner.query(
        `select row_key, before->'price' as old, after->'price' as new from trades_changes order by id`,
      );
      expect(rows).toEqual([
        { row_key: { id: 1 }, old: null, new: 1 },
        { row_key: { trade_id: 1 }, old: 1, new: 2 },
      ]);
    });

    test('refuses a table that stands where another was captured before', async () => {
      const { owner } = await installed();
      await owner.query('alter table trades rename to trades_2025; create table trades (id int)');
      const plan = await planCapture({ owner }, raxxTarget);
      const [refused, ...more] = refusedObjects(plan);
      expect(more).toEqual([]);
      expect(refused?.name).toBe('public.trades_2025');
      expect(refused?.why).toBe(
        'it was captured as public.trades and still writes into public.trades_history',
      );
      await owner.query(refused?.fix?.replace(/^.*?: /, '') ?? '');
      expect(refusedObjects(await planCapture({ owner }, raxxTarget))).toEqual([]);
    });

    test('runs no code of another role, whose types a table has', async () => {
      const database = await world.emptyDatabase();
      const owner = await database.connect('raxx_owner');
      const app = await database.connect('raptor_app');
      await owner.query('create schema app; grant all on schema app to raptor_app');
      const cast = (to: string) => `
        create function app.f(app.mood) returns ${to} language plpgsql as
          $$ begin raise exception 'run as %', current_user; end $$;
        create cast (app.mood as ${to}) with function app.f(app.mood) as implicit;`;
      await app.query(`
        create type app.mood as enum ('ok');
        create domain app.moods as app.mood[];
        ${cast('json')}
        grant usage on type app.mood, app.moods to raxx_owner`);
      await owner.query(`
        create type public.pair as (a int, b app.moods);
        create table public.t (id int primary key, m app.mood, p public.pair)`);
      const target = { ...raxxTarget, tables: [{ schema: 'public', name: 't' }], appendOnly: [] };
      expect((await installCapture({ owner }, target)).kind).toBe('installed');
      await app.query(`drop cast (app.mood as json); drop function app.f; ${cast('text')}`);
      await owner.query(`
        insert into t values (1, 'ok', (1, '{ok}'));
        alter table t add column later app.mood default 'ok';
        update t set id = 2`);
      const { rows } = await owner.query('select after from t_changes order by id');
      expect(rows).toEqual([
        { after: { id: 1, m: 'ok', p: '(1,{ok})' } },
        { after: { id: 2, m: 'ok', p: '(1,{ok})', later: 'ok' } },
      ]);
    });

    test('goes into a database of another encoding', async () => {
      const database = await world.emptyDatabase();
      const superuser = await database.superuser();
      const name = `${database.name}_latin1`;
      await superuser.query(
        `create database ${name} template template0 encoding 'LATIN1' locale 'C' owner raxx_owner`,
      );
      const owner = new pg.Client(world.server.url('raxx_owner', password, name));
      await owner.connect();
      await owner.query(`create table "caf\u00e9" (id int primary key, v text)`);
      const tables = [{ schema: 'public', name: 'caf\u00e9' }];
      const target = { ...raxxTarget, roles: [], tables, appendOnly: [] };
      expect((await installCapture({ owner }, target)).kind).toBe('installed');
      await owner.query(`insert into "caf\u00e9" values (1, '\u00fc')`);
      const { rows } = await owner.query('select after from "caf\u00e9_changes"');
      expect(rows).toEqual([{ after: { id: 1, v: '\u00fc' } }]);
      await owner.end();
    });

    test('tells what of a table is not captured', async () => {
      const database = await world.database();
      const owner = await database.connect('raxx_owner');
      await owner.query(`
        create table keyless (v int);
        create table heir (x int) inherits (keyless);
        create table parts (id int) partition by list (id);
        create table ledger (id int) partition by list (id)`);
      const tables = ['keyless', 'parts'].map((name) => ({ schema: 'public', name }));
      const { notes } = await planCapture(
        { owner },
        { ...raxxTarget, tables, appendOnly: [{ schema: 'public', name: 'ledger' }] },
      );
      expect(notes).toEqual([
        ...usualNotes,
        'public.keyless has no primary key: its changes are captured without a row key.',
        'Other tables inherit from public.keyless: what is written to them directly is not captured.',
        'public.parts has no primary key: its changes are captured without a row key.',
        expect.stringMatching(
          /^public.parts is partitioned: a partition made or attached later is captured row by row/,
        ),
        expect.stringMatching(
          /^public.ledger is partitioned: a partition made or attached later takes/,
        ),
      ]);
      if (binaries !== undefined) return;
      await owner.query(
        'create table v (id int primary key, twice int generated always as (id * 2))',
      );
      const v = { ...raxxTarget, tables: [{ schema: 'public', name: 'v' }] };
      expect((await planCapture({ owner }, v)).notes).toEqual([
        ...usualNotes,
        expect.stringMatching(/^public.v has virtual generated columns.*\(twice\)/),
      ]);
    });

    test('runs as the SQL that plan prints', async () => {
      const database = await world.database();
      const superuser = await database.superuser();
      const owner = await database.connect('raxx_owner');
      const sql = planSql(await planCapture({ owner, superuser }, raxxTarget));
      const [body, settings] = sql.split('-- By a superuser');
      await owner.query(body ?? '');
      await superuser.query(`-- ${settings}`);
      expect((await installCapture({ owner, superuser }, raxxTarget)).kind).toBe('nothing-to-do');
    });
  });
});
