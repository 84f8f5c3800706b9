import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type CaptureWorld, raxxTarget, startCaptureWorld } from '../../test/rig/capture-world.ts';
import { installCapture } from './install.ts';
import { blockedObjects, type CapturePlan, planCapture, refusedObjects } from './plan.ts';
import { historyColumns } from './plan-history.ts';
import { planSql } from './plan-sql.ts';
import type { CaptureTarget } from './target.ts';

const postgres15 = inject('postgres15');
const impatient = { attempts: 2, pauseMs: 20, lockTimeoutMs: 200 };

/** The runbook's query, with its three names. */
const runbookTriggers = `
  SELECT tgname, tgrelid::regclass, tgenabled
  FROM pg_trigger
  WHERE tgname IN ('trg_users_history', 'trg_sessions_history', 'trg_passkeys_history')`;

/** All that stands in a database, so that "unchanged" can be told. */
async function everything(client: pg.Client): Promise<string> {
  const { rows } = await client.query(`
    select 'relation', n.nspname, c.relname, c.relkind::text, c.relacl::text from pg_class c
      join pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^(pg_|information)'
    union all select 'trigger', tgrelid::regclass::text, tgname, tgenabled::text, pg_get_triggerdef(oid)
      from pg_trigger where not tgisinternal
    union all select 'function', proname, md5(prosrc), proacl::text, xmin::text from pg_proc
      where pronamespace::regnamespace::text !~ '^(pg_|information)'
    union all select 'schema', nspname, nspacl::text, null, null from pg_namespace
    order by 1, 2, 3`);
  return JSON.stringify(rows);
}

const refusals = (plan: CapturePlan) =>
  refusedObjects(plan).map(({ name, why }) => `${name}: ${why}`);

/** Starts one server for a suite; `installed` gives a database in which capture stands. */
function suite(binaries?: string) {
  let started: CaptureWorld | undefined;
  beforeAll(async () => {
    started = await startCaptureWorld(binaries);
  });
  afterAll(() => started?.stop());
  const world = () => {
    if (started === undefined) throw new Error('the suite has not begun');
    return started;
  };
  return {
    database: () => world().database(),
    async installed() {
      const database = await world().installedDatabase();
      const owner = await database.connect('raxx_owner');
      const superuser = await database.superuser();
      return { database, owner, superuser };
    },
  };
}

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', postgres15],
])('on %s, install', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    const world = suite(binaries);
    const { installed } = world;

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
        { role: 'raptor_app', may: 'insert select' },
        { role: 'raptor_audit_compliance', may: 'select' },
      ]);
      const columns = await owner.query(`
        select attname from pg_attribute where attrelid = 'users_history'::regclass and attnum > 0
          and has_column_privilege('audit_archiver', attrelid, attnum, 'update')`);
      expect(columns.rows).toEqual([{ attname: 'image' }]);
    });

    test('makes history as the code expects it, with nothing else', async () => {
      const { owner } = await installed();
      const { rows } = await owner.query(`
        select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
        where attrelid = 'users_history'::regclass and attnum > 0 order by attnum`);
      expect(Object.fromEntries(rows.map(({ name, type }) => [name, type]))).toEqual(
        historyColumns,
      );
    });

    test('puts right what was taken off, switched off or rewritten since', async () => {
      const { owner, superuser } = await installed();
      await owner.query(`
        alter table users disable trigger trg_users_history;
        drop trigger trg_sessions_history_update on sessions;
        alter table passkeys enable always trigger trg_passkeys_history;
        drop trigger pgwitness_append_only on users_history;
        grant delete on trades_history to raptor_app;
        grant select on positions_history to public;
        create or replace function fn_capture_trades_history() returns trigger language plpgsql as
          $$ begin return null; end $$`);
      const plan = await planCapture({ owner, superuser }, raxxTarget);
      const pending = plan.objects.filter(({ action }) => action !== 'unchanged');
      expect(pending.map(({ action, name, why }) => `${action} ${name}: ${why}`)).toEqual([
        'create pgwitness_append_only on public.users_history: undefined',
        'change everyone on public.positions_history: nothing: PUBLIC holds privileges on it',
        'change raptor_app on public.trades_history: insert, select: it holds insert, select, delete',
        'change public.fn_capture_trades_history(): it was altered since it was installed',
        'change trg_users_history on public.users: it is disabled',
        'create trg_sessions_history_update on public.sessions: undefined',
        'change trg_passkeys_history on public.passkeys: it is enabled as ALWAYS',
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
        const { rows } = await superuser.query('select setconfig from pg_db_role_setting');
        expect(rows).toEqual([
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
  });
});

describe('install', () => {
  const world = suite();
  const { installed } = world;

  test('takes back what default privileges gave on the new tables and their sequences', async () => {
    const database = await world.database();
    const owner = await database.connect('raxx_owner');
    await owner.query(`
      alter default privileges grant all on tables to public, raptor_app;
      alter default privileges grant all on sequences to raptor_app;
      alter default privileges grant execute on functions to raptor_app`);
    const superuser = await database.superuser();
    const outcome = await installCapture({ owner, superuser }, raxxTarget);
    expect(outcome.kind).toBe('installed');
    const app = await database.connect('raptor_app');
    await expect(app.query('delete from users_history')).rejects.toThrow('permission denied');
    await expect(app.query(`select setval('users_history_id_seq', 1)`)).rejects.toThrow(
      'permission denied',
    );
    await expect(
      app.query(
        'create temp table t (); create trigger t after insert on t execute function fn_capture_users_history()',
      ),
    ).rejects.toThrow('permission denied');
  });

  test('pins the search_path of every SECURITY DEFINER function', async () => {
    const { owner } = await installed();
    const { rows } = await owner.query(`
      select proname, proconfig from pg_proc
      where prosecdef and pronamespace::regnamespace::text in ('public', 'pgwitness')`);
    expect(rows).toHaveLength(6);
    for (const row of rows) expect(row.proconfig).toContain('search_path=pg_catalog, pg_temp');
  });

  test('lets two installers at once do no harm: one installs, the other finds it done', async () => {
    const database = await world.database();
    const outcomes = await Promise.all(
      [1, 2, 3].map(async () =>
        installCapture(
          { owner: await database.connect('raxx_owner'), superuser: await database.superuser() },
          raxxTarget,
        ),
      ),
    );
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual([
      'installed',
      'nothing-to-do',
      'nothing-to-do',
    ]);
  });

  test('keeps nothing of an install that fails half-way', async () => {
    const database = await world.database();
    const owner = await database.connect('raxx_owner');
    const superuser = await database.superuser();
    await superuser.query(`
      create function refuse() returns event_trigger language plpgsql as $$
      declare made record;
      begin
        for made in select * from pg_event_trigger_ddl_commands() loop
          if made.object_identity like 'trg_trades_history_truncate%' then
            raise exception 'not on a Friday';
          end if;
        end loop;
      end $$;
      create event trigger refuse on ddl_command_end execute function refuse()`);
    const before = await everything(owner);
    await expect(installCapture({ owner, superuser }, raxxTarget)).rejects.toMatchObject({
      code: 'capture.server-refused',
      message: expect.stringContaining('not on a Friday'),
    });
    expect(await everything(owner)).toBe(before);
    const settings = await superuser.query('select 1 from pg_db_role_setting');
    expect(settings.rows).toEqual([]);
  });

  test('waits politely for a table in use, then says who holds it and changes nothing', async () => {
    const database = await world.database();
    const owner = await database.connect('raxx_owner');
    const app = await database.connect('raptor_app');
    await app.query(`begin; insert into users (email) values ('open@example.invalid')`);
    const before = await everything(owner);
    const tries: number[] = [];
    const blocked = installCapture({ owner }, raxxTarget, {
      ...impatient,
      onRetry: (attempt) => tries.push(attempt),
    });
    const writer = await database.connect('raptor_app');
    const started = performance.now();
    await writer.query(`insert into users (email) values ('behind@example.invalid')`);
    expect(performance.now() - started).toBeLessThan(1_000);
    await expect(blocked).rejects.toMatchObject({
      code: 'capture.locked',
      message: expect.stringContaining('raptor_app'),
    });
    expect(tries).toEqual([1]);
    await app.query('rollback');
    expect(await everything(owner)).toBe(before);
    expect((await installCapture({ owner }, raxxTarget)).kind).toBe('installed');
  });

  test('tells all that is missing or not the owner’s at once, and installs nothing', async () => {
    const database = await world.database();
    const superuser = await database.superuser();
    const owner = await database.connect('raxx_owner');
    await superuser.query(`
      alter table sessions owner to raptor_app;
      create view people as select * from users`);
    const before = await everything(owner);
    const target: CaptureTarget = {
      ...raxxTarget,
      tables: [
        ...raxxTarget.tables,
        { schema: 'public', name: 'orders' },
        { schema: 'billing', name: 'invoices' },
        { schema: 'public', name: 'people' },
        { schema: 'public', name: 'a_table_with_a_name_that_is_far_too_long_for_it' },
      ],
      roles: [...raxxTarget.roles, { name: 'nobody_here', history: [] }],
    };
    await owner.query(`create table a_table_with_a_name_that_is_far_too_long_for_it ()`);
    const outcome = await installCapture({ owner }, target);
    await owner.query(`drop table a_table_with_a_name_that_is_far_too_long_for_it`);
    expect(outcome.kind).toBe('refused');
    expect(refusals(outcome.plan)).toEqual([
      'nobody_here: there is no such role',
      "public.sessions: it belongs to raptor_app, not to raxx_owner, and a table's owner can take its triggers off",
      `public.orders: there is no such table in the database ${database.name}`,
      `billing.invoices: there is no schema billing in the database ${database.name}`,
      'public.people: it is a view, and only tables have rows to capture',
      'public.a_table_with_a_name_that_is_far_too_long_for_it: trg_a_table_with_a_name_that_is_far_too_long_for_it_history_truncate would be longer than the 63 bytes at which Postgres cuts names off',
    ]);
    for (const { fix } of refusedObjects(outcome.plan)) expect(fix).toMatch(/\.$|;$/);
    expect(await everything(owner)).toBe(before);
  });

  test('refuses what another migration made in another shape, by name, and leaves it as it is', async () => {
    const database = await world.database();
    const owner = await database.connect('raxx_owner');
    await owner.query(`
      create table users_history (
        history_id bigserial primary key, operation text not null, changed_at timestamptz default now(),
        user_id bigint not null references users, old_row jsonb, new_row jsonb);
      create function fn_capture_users_history() returns trigger language plpgsql as
        $$ begin insert into users_history (operation, user_id) values (tg_op, new.id); return new; end $$;
      create trigger trg_users_history after insert or update on users
        for each row execute function fn_capture_users_history();
      insert into users (email) values ('before@example.invalid')`);
    const before = await everything(owner);
    const { kind, plan } = await installCapture({ owner }, raxxTarget);
    expect(kind).toBe('refused');
    expect(refusedObjects(plan).map(({ kind: of, name }) => `${of} ${name}`)).toEqual([
      'history public.users_history',
      'function public.fn_capture_users_history()',
      'trigger trg_users_history on public.users',
    ]);
    expect(planSql(plan)).toContain('-- Nothing is installed while anything is refused.');
    expect(planSql(plan)).not.toMatch(/^[^-\n]/m);
    expect(await everything(owner)).toBe(before);

    // The remedies, as printed, clear the way; what stood in the old table is kept.
    for (const { fix } of refusedObjects(plan)) {
      await owner.query(
        /(alter|drop) .*;$/.exec(fix ?? '')?.[0].replace(/^drop trigger (?!if)/, '') ?? '',
      );
    }
    expect((await installCapture({ owner }, raxxTarget)).kind).toBe('installed');
    const kept = await owner.query('select operation from users_history_before');
    expect(kept.rows).toEqual([{ operation: 'INSERT' }]);
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
      'public.fn_capture_users_history()',
      'trg_users_history on public.users',
      'trg_users_history_update on public.users',
      'trg_users_history_delete on public.users',
      'trg_users_history_truncate on public.users',
    ]);
    const { rows } = await owner.query('select count(*)::int as rows from users_history');
    expect(rows).toEqual([{ rows: 1 }]);
  });

  test('says precisely what is not done where no connection may set log_statement', async () => {
    const database = await world.database();
    const owner = await database.connect('raxx_owner');
    const outcome = await installCapture({ owner }, raxxTarget);
    expect(outcome.kind).toBe('installed');
    expect(blockedObjects(outcome.plan).map(({ why, fix }) => [why, fix])).toEqual([
      [
        "raxx_owner may not set it, and no superuser's connection is given",
        `Have a superuser run: alter role "raptor_app" set log_statement to 'mod'; On Heroku the data API sets it for the whole database.`,
      ],
      [
        "raxx_owner may not set it, and no superuser's connection is given",
        `Have a superuser run: alter role "audit_archiver" set log_statement to 'mod'; On Heroku the data API sets it for the whole database.`,
      ],
    ]);
    // It stays a finding until it is done.
    const again = await installCapture({ owner }, raxxTarget);
    expect([again.kind, blockedObjects(again.plan).length]).toEqual(['nothing-to-do', 2]);
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

  test('plans with no right to write', async () => {
    const { database } = await installed();
    const reader = await database.connect('raptor_audit_compliance');
    await reader.query('set default_transaction_read_only = on');
    const plan = await planCapture({ owner: reader }, raxxTarget);
    const wrong = plan.objects.filter(({ action }) => action !== 'unchanged');
    // It may not install, and says so; all else it sees as it is.
    expect(wrong.map(({ name, action }) => [name, action])).toEqual([['raxx_owner', 'refuse']]);
  });

  test('names the roles that capture does not bind', async () => {
    const database = await world.database();
    const superuser = await database.superuser();
    const owner = await database.connect('raxx_owner');
    await superuser.query('grant raxx_owner to audit_archiver');
    const target: CaptureTarget = {
      ...raxxTarget,
      roles: [...raxxTarget.roles, { name: 'raxx_owner', history: [] }],
    };
    try {
      const { notes } = await planCapture({ owner }, target);
      expect(notes).toEqual([
        expect.stringMatching(/^audit_archiver is a member of raxx_owner/),
        expect.stringMatching(/^raxx_owner is both the owner and a role of the application/),
      ]);
    } finally {
      await superuser.query('revoke raxx_owner from audit_archiver');
    }
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
