import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type CaptureWorld,
  startCaptureWorld,
  type TestDatabase,
} from '../../test/rig/capture-world.ts';
import { installCapture } from './install.ts';
import type { CapturedTable, CaptureTarget } from './target.ts';

let world: CaptureWorld;
beforeAll(async () => {
  world = await startCaptureWorld(undefined, { log_min_messages: 'warning' });
});
afterAll(() => world.stop());

interface Captured {
  readonly owner: pg.Client;
  readonly app: pg.Client;
  readonly database: TestDatabase;
  /** Messages of the server log since the last look that hold this text. */
  logged(text: string): Promise<string[]>;
}

/** A table t (id, v, secret) in a database of its own, captured as told. */
async function captured(
  options: Partial<CapturedTable>,
  more: Partial<CaptureTarget> = {},
): Promise<Captured> {
  const database = await world.emptyDatabase();
  const owner = await database.connect('raxx_owner');
  const app = await database.connect('raptor_app');
  await owner.query(`create table t (id int primary key, v text, secret text);
    grant select, insert, update, delete, truncate on t to raptor_app`);
  const target: CaptureTarget = {
    owner: 'raxx_owner',
    tables: [{ schema: 'public', name: 't', ...options }],
    appendOnly: [],
    roles: [{ name: 'raptor_app', history: ['select'] }],
    ...more,
  };
  expect((await installCapture({ owner }, target)).kind).toBe('installed');
  let seen = logText().length;
  let looks = 0;
  return {
    owner,
    app,
    database,
    async logged(text) {
      // The logging collector writes by itself: what came before this line is there when it is.
      looks += 1;
      const mark = `${database.name} look ${looks} `;
      await owner.query(`do $$ begin raise log '${mark}'; end $$`);
      while (!logText().slice(seen).includes(mark)) await sleep(20);
      const lines = logText().slice(seen).split('\n');
      seen = logText().length;
      return lines.filter((line) => line.includes(text) && line.includes(`"${database.name}"`));
    },
  };
}

function logText(): string {
  const folder = world.server.logDirectory;
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('');
}

const destructions = [
  ['its history was dropped', 'drop table t_history cascade'],
  ['a column of history was dropped', 'alter table t_history drop column actor cascade'],
  ['its key was taken away', 'delete from pgwitness.witness_key'],
  ['a function that it calls was dropped', 'drop function pgwitness.places_of'],
  [
    'a function that it calls was broken',
    `create or replace function pgwitness.places_of(table_schema text, table_name text, shape text,
         key_index text, key_definition text, partitions text[], numbers int[]) returns oid[]
       language plpgsql immutable as $$ begin return pgwitness.gone(); end $$`,
  ],
] as const;

test.each(destructions)('with abort, no write happens where %s', async (_, destroy) => {
  const { owner, app } = await captured({});
  await app.query(`insert into t values (1, 'before')`);
  await owner.query(destroy);
  const writes = [`insert into t values (2, 'x')`, `update t set v = 'x'`, 'delete from t'];
  for (const write of writes) await expect(app.query(write), write).rejects.toThrow();
  expect((await owner.query('select id, v from t')).rows).toEqual([{ id: 1, v: 'before' }]);
});

test.each(destructions)(
  'with continue, the write goes on and is told where %s',
  async (_, destroy) => {
    const { owner, app, logged } = await captured({ onFailure: 'continue' });
    await app.query(`insert into t values (1, 'before')`);
    const { rows } = await owner.query('select operation from t_changes');
    expect(rows).toEqual([{ operation: 'INSERT' }]);
    await owner.query(destroy);
    await logged('');
    await app.query(`insert into t values (2, 'x')`);
    await app.query(`update t set v = 'y'`);
    expect((await owner.query('select id, v from t order by id')).rows).toEqual([
      { id: 1, v: 'y' },
      { id: 2, v: 'y' },
    ]);
    expect((await logged('was not captured')).map((line) => JSON.parse(line).message)).toEqual([
      expect.stringMatching(/^pgwitness: INSERT on public\.t was not captured: .+ \(\w{5}\)$/),
      expect.stringMatching(/^pgwitness: UPDATE on public\.t was not captured: .+ \(\w{5}\)$/),
    ]);
  },
);

test('with continue, a write that runs out of its time is cut off as a whole all the same', async () => {
  const { owner, app, database } = await captured({ onFailure: 'continue' });
  const blocker = await database.connect('raxx_owner');
  await blocker.query('begin; lock table t_history in access exclusive mode');
  await app.query(`set statement_timeout = '200ms'`);
  await expect(app.query(`insert into t values (1, 'x')`)).rejects.toThrow('statement timeout');
  await app.query(`set statement_timeout = 0; set lock_timeout = '200ms'`);
  await expect(app.query(`insert into t values (1, 'x')`)).rejects.toThrow('lock timeout');
  await blocker.query('rollback');
  expect((await owner.query('select from t')).rowCount).toBe(0);
});

test('with triggers: always, what a replica role writes is captured too', async () => {
  const { owner, database } = await captured({ always: true });
  const superuser = await database.superuser();
  await superuser.query(`set session_replication_role = replica; insert into t values (1, 'x')`);
  expect((await owner.query('select operation from t_changes')).rows).toEqual([
    { operation: 'INSERT' },
  ]);
  const { rows } = await owner.query(
    `select distinct tgenabled from pg_trigger where tgrelid = 't'::regclass`,
  );
  expect(rows).toEqual([{ tgenabled: 'A' }]);
});

test('keeps nothing of what is excluded, and a token of what is masked, under drift too', async () => {
  const { owner, app, logged } = await captured({ exclude: ['secret'], mask: ['v'] });
  await app.query(`insert into t values (1, 'pear', 'hidden-1'), (2, 'pear', 'hidden-2')`);
  await owner.query('alter table t rename column secret to renamed; alter table t add more text');
  await app.query(`update t set renamed = 'hidden-3', more = 'hidden-4' where id = 1`);
  const { rows } = await owner.query(
    'select id, before, after from t_changes order by position, t_changes.id',
  );
  const token = rows[0].after.v;
  expect(token).toMatch(/^token:[0-9a-f]{32}$/);
  expect(rows.map(({ after }) => after)).toEqual([
    { id: 1, v: token },
    { id: 2, v: token },
    {
      id: 1,
      v: token,
      renamed: expect.stringMatching(/^token:/),
      more: expect.stringMatching(/^token:/),
    },
  ]);
  // Nor where it goes by the name of one that is captured, or that one by its.
  await owner.query(`alter table t rename more to extra; alter table t rename renamed to more;
    update t set id = 4 where id = 2`);
  const [last] = (await owner.query(`select after from t_changes where row_key = '{"id": 4}'`))
    .rows;
  expect(last.after).toMatchObject({ more: expect.stringMatching(/^token:/) });
  const whole = await owner.query('select string_agg(h::text, $1) as text from t_history h', ['']);
  expect(whole.rows[0].text).not.toMatch(/hidden|pear/);
  for (const line of await logged('WITNESS')) {
    expect(JSON.parse(line).message).not.toMatch(/hidden|pear/);
  }
});

test('writes no witness line where they are switched off, and captures the same', async () => {
  const { owner, app, logged } = await captured({}, { witness: false });
  await app.query(`insert into t values (1, 'a'); update t set v = 'b'; truncate t`);
  const { rows } = await owner.query('select operation from t_changes order by position, id');
  expect(rows.map(({ operation }) => operation)).toEqual(['INSERT', 'UPDATE', 'TRUNCATE']);
  expect(await logged('WITNESS')).toEqual([]);
});

test('writes the text of a top-level query once, however many statements it makes', async () => {
  const { app, logged } = await captured({});
  const inserts = Array.from({ length: 200 }, (_, id) => `insert into t values (${id}, 'x')`);
  await app.query(inserts.join(';'));
  const lines = (await logged('WITNESS')).map((line) => JSON.parse(line));
  expect(lines).toHaveLength(200);
  expect(lines.filter(({ statement }) => statement !== undefined)).toHaveLength(1);
  const long = `insert into t values (1000, '${'y'.repeat(1_000_000)}')`;
  await app.query(long);
  const [line, ...more] = await logged('WITNESS');
  expect(more).toEqual([]);
  expect(JSON.parse(line ?? '').statement === long).toBe(true);
});

// With a plan made for one row, each of these would compare every row with every other.
test('takes many rows in a session that began with one, of a partition made since too', async () => {
  const { owner, app } = await captured({});
  await app.query(`insert into t values (0, 'x'); update t set v = 'y'`);
  await app.query(`insert into t select i, 'x' from generate_series(1, 20000) i`);
  await app.query(`update t set v = 'z'; update t set id = -id - 1`);
  const { rows } = await owner.query(
    `select operation, count(*)::int as n from t_changes group by 1 order by 1`,
  );
  expect(rows).toEqual([
    { operation: 'INSERT', n: 20_001 },
    { operation: 'UPDATE', n: 40_003 },
  ]);
  const parts = await world.emptyDatabase();
  const client = await parts.connect('raxx_owner');
  await client.query('create table t (id int primary key) partition by range (id)');
  const tables = [{ schema: 'public', name: 't' }];
  const target = { owner: 'raxx_owner', tables, appendOnly: [], roles: [] };
  expect((await installCapture({ owner: client }, target)).kind).toBe('installed');
  await client.query(`create table t_new partition of t for values from (0) to (100000);
    insert into t values (0); insert into t select generate_series(1, 2000); delete from t`);
  const counted = await client.query(
    'select operation, count(*)::int as n from t_changes group by 1',
  );
  expect(counted.rows.map(({ operation, n }) => [operation, n]).sort()).toEqual([
    ['DELETE', 2_001],
    ['INSERT', 2_001],
  ]);
});
