import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CaptureWorld, startCaptureWorld } from '../../test/rig/capture-world.ts';
import { takeBaseline } from './baseline.ts';
import { readBaselines } from './baseline-status.ts';
import { installCapture } from './install.ts';
import type { CaptureTarget } from './target.ts';

let world: CaptureWorld;
beforeAll(async () => {
  world = await startCaptureWorld();
});
afterAll(() => world.stop());

const items = { schema: 'public', name: 'items' };
const target: CaptureTarget = {
  owner: 'raxx_owner',
  tables: [items],
  appendOnly: [],
  roles: [{ name: 'audit_archiver', history: ['select', 'update'] }],
};

/** A captured table with a complete baseline. */
async function taken(create: string) {
  const database = await world.emptyDatabase();
  const owner = await database.connect('raxx_owner');
  await owner.query(create);
  await installCapture({ owner }, target);
  await takeBaseline(owner, target, items, { now: Date.now });
  const status = async () => (await readBaselines(owner, target))[0];
  return { owner, status };
}

const plain = 'create table items (id int primary key); insert into items values (1), (2)';
const parted = `
  create table items (id int primary key) partition by range (id);
  create table items_1 partition of items for values from (0) to (10);
  insert into items values (1), (2)`;

test('the trail of a table still holds after a column came, with the note that install is to run', async () => {
  const { owner, status } = await taken(plain);
  await owner.query('alter table items add column note text');
  const found = await status();
  expect(found).toMatchObject({
    state: 'holds',
    notes: [expect.stringMatching(/^run `pgwitness install`: /)],
    since: expect.any(Date),
  });
  await expect(takeBaseline(owner, target, items, { now: Date.now })).rejects.toMatchObject({
    code: 'capture.baseline-not-installed',
  });
  await installCapture({ owner }, target);
  expect(await status()).toMatchObject({
    state: 'holds',
    notes: [expect.stringMatching(/^its columns have changed since/)],
  });
});

test('it holds after a partition was made, and not where one was attached with rows in it', async () => {
  const { owner, status } = await taken(parted);
  await owner.query('create table items_2 partition of items for values from (10) to (20)');
  await owner.query('insert into items_2 values (11); update items_2 set id = 12');
  expect(await status()).toMatchObject({
    state: 'holds',
    notes: [
      expect.stringMatching(/^run `pgwitness install`: /),
      'partitions came since (1 of its partitions)',
    ],
  });
  await owner.query('create table items_3 (id int primary key); insert into items_3 values (21)');
  await owner.query('alter table items attach partition items_3 for values from (20) to (30)');
  expect(await status()).toMatchObject({ state: 'needed' });
});

test.each([
  ['a trigger is disabled', 'alter table items disable trigger trg_items_history_update', plain],
  ['a trigger is gone', 'drop trigger trg_items_history_update on items', plain],
  [
    'the function was altered',
    'alter function fn_capture_items_history() set work_mem to 100',
    plain,
  ],
  ['the guard is gone', 'drop trigger pgwitness_append_only on items_history', plain],
  ['a witness is gone', 'drop trigger pgwitness_witness_delete on items_history', plain],
  ['a partition’s trigger is gone', 'drop trigger trg_items_history_update on items_1', parted],
])('it is off where %s, whether or not a column came as well', async (_, sql, create) => {
  const { owner, status } = await taken(create);
  await owner.query(sql);
  expect(await status()).toMatchObject({ state: 'off' });
  await owner.query('alter table items add column note text');
  expect(await status()).toMatchObject({ state: 'off' });
});
