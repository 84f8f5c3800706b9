import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CaptureWorld, startCaptureWorld } from '../../test/rig/capture-world.ts';
import { readBaselines } from './baseline-status.ts';
import { readCoverage } from './coverage.ts';
import { installCapture } from './install.ts';
import { planCapture, refusedObjects } from './plan.ts';
import type { CaptureTarget } from './target.ts';

let world: CaptureWorld;
beforeAll(async () => {
  world = await startCaptureWorld();
});
afterAll(() => world.stop());

const targetOf = (name: string, schema = 'public'): CaptureTarget => ({
  owner: 'raxx_owner',
  tables: [{ schema, name }],
  appendOnly: [],
  roles: [],
});

/** A captured table `customers` that was renamed to `clients`. */
async function renamed(create = 'create table customers (id int primary key)') {
  const database = await world.emptyDatabase();
  const owner = await database.connect('raxx_owner');
  await owner.query(create);
  await installCapture({ owner }, targetOf('customers'));
  await owner.query('alter table customers rename to clients');
  const count = async (history: string) => {
    const { rows } = await owner.query(
      `select count(*)::int as n from ${history} where operation = 'INSERT'`,
    );
    return rows[0]?.n;
  };
  const told = async (target: CaptureTarget) => {
    const { gaps, tables } = await readCoverage(owner, target);
    const ids = gaps.filter(({ what }) => /public\.(customers|clients)/.test(what));
    return { state: tables[0]?.state, ids: ids.map(({ id, level }) => `${level} ${id}`).sort() };
  };
  return { owner, count, told };
}

test('a table that was renamed keeps install from anything, with what to do, and so does a look at baselines', async () => {
  const { owner } = await renamed();
  const refused = refusedObjects(await planCapture({ owner }, targetOf('customers')));
  expect(refused).toEqual([
    expect.objectContaining({
      name: 'public.customers',
      why: 'it is called public.clients now, and what is written to it still goes into public.customers_history',
      fix: expect.stringMatching(
        /alter table "public"."clients" rename to "customers"; .*put public.clients in the place of public.customers in the configuration/,
      ),
    }),
  ]);
  await expect(readBaselines(owner, targetOf('customers'))).rejects.toMatchObject({
    code: 'capture.baseline-no-table',
    message: 'The table public.customers is called public.clients now.',
    fix: expect.stringContaining('rename to "customers"'),
  });
});

test('a table configured under its new name goes on in a history of its own, and the old one is kept', async () => {
  const { owner, count, told } = await renamed();
  await owner.query('insert into clients values (1)');
  expect(await told(targetOf('clients'))).toEqual({
    state: 'renamed',
    ids: ['note relation.history-left', 'note relation.renamed'],
  });
  const outcome = await installCapture({ owner }, targetOf('clients'));
  expect(outcome.plan.objects).toContainEqual(
    expect.objectContaining({
      kind: 'trigger',
      action: 'change',
      why: 'it was captured as public.customers; history so far stays in public.customers_history',
      sql: ['drop trigger if exists "trg_customers_history" on "public"."clients";'],
    }),
  );
  await owner.query('insert into clients values (2)');
  expect([await count('customers_history'), await count('clients_history')]).toEqual([1, 1]);
  expect(await told(targetOf('clients'))).toEqual({
    state: 'on',
    ids: ['note relation.history-left'],
  });
  const { notes } = await planCapture({ owner }, targetOf('clients'));
  expect(notes).toContain(
    'public.customers is no longer configured nor captured; its history stays.',
  );
});

test('a table renamed there and back again has one set of triggers, and its first history goes on', async () => {
  const { owner, count } = await renamed();
  await installCapture({ owner }, targetOf('clients'));
  await owner.query('alter table clients rename to customers');
  await installCapture({ owner }, targetOf('customers'));
  expect((await installCapture({ owner }, targetOf('customers'))).kind).toBe('nothing-to-do');
  await owner.query('insert into customers values (3)');
  expect([await count('customers_history'), await count('clients_history')]).toEqual([1, 0]);
  const { rows } = await owner.query(
    `select count(*)::int as n from pg_trigger where tgrelid = 'customers'::regclass and not tgisinternal`,
  );
  expect(rows).toEqual([{ n: 4 }]);
});

test('a second set of triggers on one table is a gap, and install takes it off', async () => {
  const { owner, count, told } = await renamed();
  await installCapture({ owner }, targetOf('clients'));
  await owner.query(`
    create trigger trg_customers_history after insert on clients
    referencing new table as captured_rows for each statement
    execute function fn_capture_customers_history('table')`);
  expect((await told(targetOf('clients'))).ids).toContain('gap table.captured-twice');
  await installCapture({ owner }, targetOf('clients'));
  await owner.query('insert into clients values (1)');
  expect([await count('customers_history'), await count('clients_history')]).toEqual([0, 1]);
});

test('a partitioned table under a new name is captured once by it, its partitions too', async () => {
  const { owner, count } = await renamed(`
    create table customers (id int primary key) partition by range (id);
    create table customers_1 partition of customers for values from (0) to (10)`);
  await installCapture({ owner }, targetOf('clients'));
  await owner.query('insert into clients values (1); insert into customers_1 values (2)');
  expect([await count('customers_history'), await count('clients_history')]).toEqual([0, 2]);
  expect((await installCapture({ owner }, targetOf('clients'))).kind).toBe('nothing-to-do');
});

test('a table that moved into another schema goes on there, though its triggers keep their names', async () => {
  const database = await world.emptyDatabase();
  const owner = await database.connect('raxx_owner');
  await owner.query('create table customers (id int primary key); create schema elsewhere');
  await installCapture({ owner }, targetOf('customers'));
  await owner.query('alter table customers set schema elsewhere');
  const [refused] = refusedObjects(await planCapture({ owner }, targetOf('customers')));
  expect(refused?.fix).toContain('alter table "elsewhere"."customers" set schema "public";');
  expect((await installCapture({ owner }, targetOf('customers', 'elsewhere'))).kind).toBe(
    'installed',
  );
  await owner.query('insert into elsewhere.customers values (1)');
  const { rows } = await owner.query(
    'select (select count(*)::int from customers_history) as old, (select count(*)::int from elsewhere.customers_history) as new',
  );
  expect(rows).toEqual([{ old: 0, new: 1 }]);
});
