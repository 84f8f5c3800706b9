import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type CaptureWorld,
  raxxTarget,
  startCaptureWorld,
  type TestDatabase,
} from '../../test/rig/capture-world.ts';
import { installCapture } from './install.ts';
import { uninstallCapture } from './uninstall.ts';

let world: CaptureWorld;
beforeAll(async () => {
  world = await startCaptureWorld();
});
afterAll(() => world.stop());

async function installed(): Promise<{
  database: TestDatabase;
  owner: pg.Client;
  superuser: pg.Client;
}> {
  const database = await world.installedDatabase();
  const owner = await database.connect('raxx_owner');
  await owner.query(`insert into users (email) values ('captured@example.invalid')`);
  return { database, owner, superuser: await database.superuser() };
}

/** All that is ours by name, besides history and what it is read with. */
async function leftovers(client: pg.Client): Promise<unknown[]> {
  const { rows } = await client.query(`
    select tgname as name from pg_trigger where not tgisinternal
    union all select proname from pg_proc where proname ~ '^fn_(capture|witness)'
    union all select unnest(setconfig) from pg_db_role_setting`);
  return rows.map(({ name }) => name);
}

const historyRows = async (client: pg.Client) =>
  (await client.query('select count(*)::int as n from users_history')).rows[0].n;

test('takes everything away but what was captured, and changes nothing the second time', async () => {
  const { owner, superuser } = await installed();
  const outcome = await uninstallCapture({ owner, superuser }, raxxTarget, { dropHistory: false });
  expect(outcome.changed).toBe(true);
  expect(await leftovers(superuser)).toEqual([]);
  expect(await historyRows(owner)).toBe(1);
  await owner.query(`insert into users (email) values ('uncaptured@example.invalid')`);
  await owner.query(`delete from customer_audit_events`);
  expect(await historyRows(owner)).toBe(1);

  const again = await uninstallCapture({ owner, superuser }, raxxTarget, { dropHistory: false });
  expect(again.changed).toBe(false);
  expect(new Set(again.objects.map(({ action, kind }) => `${action} ${kind}`))).toEqual(
    new Set(['keep history', 'keep bookkeeping']),
  );
  const { rows } = await owner.query(`select after->>'email' as email from users_changes`);
  expect(rows).toEqual([{ email: 'captured@example.invalid' }]);
  const witnessKey = 'select encode(key, $1) as key from pgwitness.witness_key';
  const key = (await owner.query(witnessKey, ['hex'])).rows;

  // Installed again, it goes on in the same history.
  expect((await installCapture({ owner, superuser }, raxxTarget)).kind).toBe('installed');
  await owner.query(`insert into users (email) values ('again@example.invalid')`);
  expect(await historyRows(owner)).toBe(2);
  expect((await owner.query(witnessKey, ['hex'])).rows).toEqual(key);
});

test('drops history where told so, also after an uninstall that kept it', async () => {
  const { owner, superuser } = await installed();
  await uninstallCapture({ owner, superuser }, raxxTarget, { dropHistory: false });
  await owner.query('create table people_history (id int)');
  const outcome = await uninstallCapture({ owner, superuser }, raxxTarget, { dropHistory: true });
  const kinds = outcome.objects.map(({ action, kind }) => `${action} ${kind}`);
  expect(kinds.filter((kind) => kind === 'drop history')).toHaveLength(6);
  expect(kinds.filter((kind) => kind.startsWith('keep'))).toEqual([]);
  const { rows } = await owner.query(
    `select relname from pg_class where relname ~ '_history$|_changes$|_image_'
     union all select nspname from pg_namespace where nspname = 'pgwitness'`,
  );
  expect(rows).toEqual([{ relname: 'people_history' }]);
});

test('never drops a history table that another hand made', async () => {
  const database = await world.database();
  const owner = await database.connect('raxx_owner');
  await owner.query('create table users_history (id bigint, what text)');
  const outcome = await uninstallCapture({ owner }, raxxTarget, { dropHistory: true });
  expect(outcome).toEqual({
    changed: false,
    objects: [
      {
        kind: 'history',
        name: 'public.users_history',
        action: 'keep',
        why: 'it is not as capture makes it',
      },
    ],
  });
});

test('puts log_statement back to what stood before, and leaves what another hand set since', async () => {
  const database = await world.database();
  const owner = await database.connect('raxx_owner');
  const superuser = await database.superuser();
  await superuser.query(`alter role raptor_app set log_statement to 'ddl'`);
  await installCapture({ owner, superuser }, raxxTarget);
  await superuser.query(`alter role audit_archiver set log_statement to 'all'`);
  const { objects } = await uninstallCapture({ owner, superuser }, raxxTarget, {
    dropHistory: false,
  });
  expect(objects.filter(({ kind }) => kind === 'setting')).toEqual([
    {
      kind: 'setting',
      name: 'log_statement of audit_archiver: as the server has it',
      action: 'keep',
      why: 'it was mod when installed and is all now: another hand set it',
    },
    { kind: 'setting', name: 'log_statement of raptor_app: ddl', action: 'reset' },
    {
      kind: 'setting',
      name: 'log_statement of raxx_owner: as the server has it',
      action: 'reset',
    },
  ]);
  expect(await leftovers(superuser)).toEqual(['log_statement=all', 'log_statement=ddl']);
});

test('says what is left to a superuser, and takes the rest away', async () => {
  const { owner, superuser } = await installed();
  const { objects } = await uninstallCapture({ owner }, raxxTarget, { dropHistory: false });
  expect(objects.filter(({ action }) => action === 'blocked').map(({ fix }) => fix)).toEqual([
    expect.stringContaining('run `alter role "audit_archiver" reset log_statement;`. '),
    expect.stringContaining('run `alter role "raptor_app" reset log_statement;`. '),
    expect.stringContaining('run `alter role "raxx_owner" reset log_statement;`. '),
  ]);
  expect(await leftovers(superuser)).toEqual([
    'log_statement=ddl',
    'log_statement=mod',
    'log_statement=mod',
  ]);
});

test('leaves alone what is another app’s', async () => {
  const database = await world.database();
  const owner = await database.connect('raxx_owner');
  const superuser = await database.superuser();
  await installCapture({ owner, superuser }, { ...raxxTarget, app: 'a' });
  const b = { ...raxxTarget, app: 'b', tables: raxxTarget.tables.slice(1) };
  await expect(
    uninstallCapture({ owner, superuser }, b, { dropHistory: true }),
  ).rejects.toMatchObject({ code: 'capture.other-app', exit: 2 });
  const outcome = await installCapture({ owner, superuser }, b);
  expect(outcome.kind).toBe('refused');
  expect(outcome.plan.objects.find(({ action }) => action === 'refuse')?.why).toBe(
    'capture in this database is that of the app a, not of b',
  );
  const a = await installCapture({ owner, superuser }, { ...raxxTarget, app: 'a' });
  expect(a.kind).toBe('nothing-to-do');
});

test('takes away what is no longer configured too', async () => {
  const { owner, superuser } = await installed();
  const fewer = { ...raxxTarget, tables: raxxTarget.tables.slice(0, 1), appendOnly: [] };
  await uninstallCapture({ owner, superuser }, fewer, { dropHistory: true });
  expect(await leftovers(superuser)).toEqual([]);
  const { rows } = await owner.query(`select relname from pg_class where relname ~ '_history$'`);
  expect(rows).toEqual([]);
});

test('takes nothing away where one part of it fails', async () => {
  const { owner, superuser } = await installed();
  await owner.query('create view v as select * from pgwitness.migration');
  const before = await leftovers(superuser);
  await expect(
    uninstallCapture({ owner, superuser }, raxxTarget, { dropHistory: true }),
  ).rejects.toMatchObject({ code: 'capture.server-refused' });
  expect(await leftovers(superuser)).toEqual(before);
  expect(await historyRows(owner)).toBe(1);
});
