import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type CaptureWorld,
  everything,
  raxxTarget,
  startCaptureWorld,
  usualNotes,
} from '../../test/rig/capture-world.ts';
import { installCapture } from './install.ts';
import { blockedObjects, type CapturePlan, planCapture, refusedObjects } from './plan.ts';
import { planSql } from './plan-sql.ts';
import type { CaptureTarget } from './target.ts';
import { uninstallCapture } from './uninstall.ts';

const impatient = { attempts: 2, pauseMs: 20, lockTimeoutMs: 200 };

const refusals = (plan: CapturePlan) =>
  refusedObjects(plan).map(({ name, why }) => `${name}: ${why}`);

let world: CaptureWorld;
beforeAll(async () => {
  world = await startCaptureWorld();
});
afterAll(() => world.stop());

test('begins a new history where the one before was dropped', async () => {
  const database = await world.database();
  const owner = await database.connect('raxx_owner');
  const superuser = await database.superuser();
  await installCapture({ owner, superuser }, raxxTarget);
  await owner.query('drop table users_history cascade');
  await expect(
    owner.query(`insert into users (email) values ('lost@example.invalid')`),
  ).rejects.toThrow('users_history');
  expect((await installCapture({ owner, superuser }, raxxTarget)).kind).toBe('installed');
  expect((await installCapture({ owner, superuser }, raxxTarget)).kind).toBe('nothing-to-do');
  await owner.query(`insert into users (email) values ('kept@example.invalid')`);
  const { rows } = await owner.query(`select after->>'email' as email from users_changes`);
  expect(rows).toEqual([{ email: 'kept@example.invalid' }]);
});

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

test('waits for all of its locks together no longer than for one', async () => {
  const database = await world.installedDatabase();
  const owner = await database.connect('raxx_owner');
  const app = await database.connect('raptor_app');
  const patience = { attempts: 1, lockTimeoutMs: 600_000 };
  await app.query(`begin; insert into users (email) values ('open@example.invalid')`);
  await expect(
    uninstallCapture({ owner }, raxxTarget, { ...patience, dropHistory: false }),
  ).rejects.toMatchObject({ code: 'capture.locked' });
  await app.query('rollback');
  await owner.query('drop trigger trg_users_history on users');
  await app.query(`begin; insert into users (email) values ('open@example.invalid')`);
  await expect(installCapture({ owner }, raxxTarget, patience)).rejects.toMatchObject({
    code: 'capture.locked',
  });
  await app.query('rollback');
  expect((await installCapture({ owner }, raxxTarget, patience)).kind).toBe('installed');
});

test('says precisely what is not done where no connection may set log_statement', async () => {
  const database = await world.database();
  const owner = await database.connect('raxx_owner');
  const outcome = await installCapture({ owner }, raxxTarget);
  expect(outcome.kind).toBe('installed');
  expect(blockedObjects(outcome.plan).map(({ why, fix }) => [why, fix])).toEqual(
    [
      `alter role "raxx_owner" set log_statement to 'ddl';`,
      `alter role "raptor_app" set log_statement to 'mod';`,
      `alter role "audit_archiver" set log_statement to 'mod';`,
    ].map((sql) => [
      "raxx_owner may not set it, and no superuser's connection is given",
      expect.stringContaining(`Have a superuser run \`${sql}\`. Where a provider gives`),
    ]),
  );
  // It stays a finding until it is done.
  const again = await installCapture({ owner }, raxxTarget);
  expect([again.kind, blockedObjects(again.plan).length]).toEqual(['nothing-to-do', 3]);
});

test('names the roles that capture does not bind', async () => {
  const database = await world.database();
  const superuser = await database.superuser();
  const owner = await database.connect('raxx_owner');
  await superuser.query('grant raxx_owner to audit_archiver');
  try {
    const { notes } = await planCapture(
      { owner },
      { ...raxxTarget, applicationLogin: 'raxx_owner' },
    );
    expect(notes).toEqual([
      expect.stringMatching(/^raxx_owner is both the owner and a role of the application/),
      expect.stringMatching(/^audit_archiver is a member of raxx_owner/),
      ...usualNotes,
    ]);
  } finally {
    await superuser.query('revoke raxx_owner from audit_archiver');
  }
});
