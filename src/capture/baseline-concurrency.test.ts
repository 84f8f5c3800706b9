import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type CaptureWorld, startCaptureWorld } from '../../test/rig/capture-world.ts';
import { type BaselineOptions, takeBaseline } from './baseline.ts';
import type { Writer } from './baseline-writers.ts';
import { connectDatabase } from './connect.ts';
import { installCapture } from './install.ts';
import type { CapturedTable, CaptureTarget } from './target.ts';

const items: CapturedTable = { schema: 'public', name: 'items' };
const target: CaptureTarget = { owner: 'raxx_owner', tables: [items], appendOnly: [], roles: [] };
const quiet: BaselineOptions = { now: Date.now };

interface Item {
  readonly id: number;
  readonly label: string;
  readonly version: number;
}

interface Change {
  readonly id: string;
  readonly operation: string;
  readonly before: Item | null;
  readonly after: Item | null;
}

/** Rows by key, as changes make them one after the other; each change's before must be what is there. */
function replay(changes: readonly Change[], from: ReadonlyMap<number, Item>): Map<number, Item> {
  const rows = new Map(from);
  for (const { id, operation, before, after } of changes) {
    const there = before === null ? undefined : rows.get(before.id);
    if (operation === 'INSERT') {
      if (after === null || rows.has(after.id)) throw new Error(`${id} inserts what is there`);
    } else {
      expect({ id, operation, before }).toEqual({ id, operation, before: there ?? 'no such row' });
    }
    if (before !== null) rows.delete(before.id);
    if (after !== null) rows.set(after.id, after);
  }
  return rows;
}

/** Rows by key, from history alone: a baseline's image is where a row begins. */
function replayHistory(
  images: readonly { readonly image: Item }[],
  changes: readonly Change[],
): Map<number, Item> {
  const rows = new Map<number, Item>();
  for (const { image } of images) rows.set(image.id, image);
  for (const { before, after } of changes) {
    if (before !== null) rows.delete(before.id);
    if (after !== null) rows.set(after.id, after);
  }
  return rows;
}

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', inject('postgres15')],
])('on %s, while others write, a baseline', (_, binaries) => {
  describe.skipIf(binaries === '')('', () => {
    let world: CaptureWorld;
    beforeAll(async () => {
      world = await startCaptureWorld(binaries, { synchronous_commit: 'off' });
    });
    afterAll(() => world.stop());

    async function filled(rows: number) {
      const database = await world.emptyDatabase();
      const owner = await database.connect('raxx_owner');
      await owner.query(`
        create table items (id int primary key, label text not null, version int not null);
        insert into items select n, repeat('x', 150) || n, 0 from generate_series(1, ${rows}) n`);
      return { database, owner };
    }

    async function live(client: pg.Client): Promise<Map<number, Item>> {
      const { rows } = await client.query<Item>('select * from items');
      return new Map(rows.map((row) => [row.id, row]));
    }

    async function changesOf(client: pg.Client, after = '0'): Promise<Change[]> {
      const { rows } = await client.query<Change>(
        `select id, operation, before, after from items_changes
         where position > $1 order by position, id`,
        [after],
      );
      return rows;
    }

    /** Four that write all they can, until told to stop: what each did, by kind. */
    function hammer(clients: readonly pg.Client[], rows: number) {
      let going = true;
      const done = clients.map(async (client, number) => {
        const one = () => 1 + Math.floor(Math.random() * rows * 1.2);
        for (let turn = 0; going; turn += 1) {
          const id = one();
          const statements = [
            `update items set version = version + 1 where id = ${id}`,
            `update items set version = version + 1, label = label || '!' where id between ${id} and ${id + 9}`,
            `delete from items where id = ${id}`,
            `insert into items values (${id}, 'again', ${turn}) on conflict (id) do update set version = items.version + 1`,
            `update items set id = -id where id = ${id} and not exists (select from items where id = ${-id})`,
            `update items set id = -id where id = ${-id} and not exists (select from items where id = ${id})`,
            `begin; update items set version = 9 where id = ${id}; savepoint s; delete from items where id = ${id}; rollback to s; update items set label = 'after' where id = ${id}; commit`,
            `begin; update items set version = 0 where id = ${id}; rollback`,
          ];
          const statement = statements[(turn + number) % statements.length] ?? '';
          await client.query(statement).catch(async (error: pg.DatabaseError) => {
            await client.query('rollback');
            // Two took the same key, or locked rows crosswise: the loser's write does not happen.
            if (!['23505', '40P01'].includes(error.code ?? '')) throw error;
          });
        }
      });
      return async () => {
        going = false;
        await Promise.all(done);
      };
    }

    test('tells the row before every single UPDATE and DELETE, and gives exactly the live rows', async () => {
      const count = 2_000;
      const { database, owner } = await filled(count);
      const before = await live(owner);
      await installCapture({ owner }, target);
      const clients = await Promise.all([1, 2, 3, 4].map(() => database.connect('raxx_owner')));
      const stop = hammer(clients, count);
      await sleep(100);
      let batches = 0;
      const taken = await takeBaseline(owner, target, items, {
        ...quiet,
        maxPages: 2,
        batchPauseMs: 2,
        onProgress: () => {
          batches += 1;
        },
      });
      await sleep(200);
      const again = await takeBaseline(owner, target, items, { ...quiet, which: 'again' });
      await sleep(100);
      await stop();
      expect([taken.outcome, again.outcome]).toEqual(['taken', 'taken']);
      expect(batches).toBeGreaterThan(20);

      const changes = await changesOf(owner);
      const now = await live(owner);
      expect(replay(changes, before)).toEqual(now);
      const { rows: counts } = await owner.query(`
        select count(*) filter (where id <= b.last_id)::int as below,
          count(*) filter (where before_1 is not null)::int as paired,
          count(*) filter (where operation = 'UPDATE' and before_1 is null)::int as single
        from items_history, (select min(last_id) as last_id from pgwitness.baseline) b
        where operation <> 'BASELINE'`);
      expect(counts[0].below).toBe(0);
      expect(counts[0].paired).toBeGreaterThan(20);
      expect(counts[0].single).toBeGreaterThan(5);
      // From either baseline alone: its images, and what was captured since.
      const { rows: baselines } = await owner.query(
        'select first_id, last_id from pgwitness.baseline order by first_id',
      );
      expect(baselines.length).toBe(2);
      for (const { first_id, last_id } of baselines) {
        const { rows: images } = await owner.query(
          `select to_jsonb(image_1) as image from items_history
           where operation = 'BASELINE' and id between $1 and $2`,
          [first_id, last_id],
        );
        expect(images.length).toBeGreaterThan(count / 4);
        expect(replayHistory(images, await changesOf(owner, last_id))).toEqual(now);
      }
    });

    test('that is taken anew waits for whoever wrote without knowing of it, and says for whom', async () => {
      const { database, owner } = await filled(500);
      await installCapture({ owner }, target);
      await takeBaseline(owner, target, items, quiet);
      const writer = await database.connect('raxx_owner');
      await writer.query(`begin; update items set version = 1 where id = 7`);
      const bystander = await database.connect('raxx_owner');
      await bystander.query('begin; create table elsewhere (id int)');
      const waited: Writer[] = [];
      const again = takeBaseline(owner, target, items, {
        ...quiet,
        which: 'again',
        onWait: (_table, writers) => waited.push(...writers),
      });
      while (waited.length === 0) await sleep(10);
      const late = await database.connect('raxx_owner');
      await late.query(`update items set version = 1 where id = 8`);
      const none = await late.query(
        'select count(*)::int as n from items_history h, (select max(first_id) as id from pgwitness.baseline) b where h.id between b.id and b.id + 1000',
      );
      expect(none.rows).toEqual([{ n: 0 }]);
      await writer.query(`update items set version = 2 where id = 9; commit`);
      expect(await again).toMatchObject({ outcome: 'taken', rows: 499 });
      const { rows: pids } = await writer.query('select pg_backend_pid() as pid');
      expect(new Set(waited.map(({ pid }) => pid))).toEqual(new Set([pids[0].pid]));
      expect(waited[0]).toMatchObject({ user: 'raxx_owner', state: 'idle in transaction' });

      await late.query('update items set version = version + 10 where id in (7, 8, 9)');
      const { rows } = await owner.query(
        `select (row_key ->> 'id')::int as id, (before ->> 'version')::int as before from items_changes order by id, before`,
      );
      expect(rows).toEqual([
        { id: 7, before: 0 },
        { id: 7, before: 1 },
        { id: 8, before: 0 },
        { id: 8, before: 1 },
        { id: 9, before: 0 },
        { id: 9, before: 2 },
      ]);
      await bystander.query('rollback');
    });

    test('that two take at the same time keeps each row once', async () => {
      const { database, owner } = await filled(3_000);
      await installCapture({ owner }, target);
      const other = await database.connect('raxx_owner');
      const both = await Promise.all(
        [owner, other].map((client) =>
          takeBaseline(client, target, items, { ...quiet, maxPages: 4, batchPauseMs: 1 }),
        ),
      );
      expect(both.map(({ outcome }) => outcome)).toEqual(['taken', 'taken']);
      expect(both.every(({ rows }) => rows > 0)).toBe(true);
      const { rows } = await owner.query(
        `select count(*)::int as n, count(distinct (image_1).id)::int as keys, count(distinct id)::int as ids from items_history`,
      );
      expect(rows).toEqual([{ n: 3_000, keys: 3_000, ids: 3_000 }]);
    });

    test('goes on where it was killed, and where Ctrl-C stopped it', async () => {
      const { database, owner } = await filled(3_000);
      await installCapture({ owner }, target);
      const doomed = await connectDatabase(database.url('raxx_owner'), 'the doomed connection');
      const { rows: pid } = await doomed.query('select pg_backend_pid() as pid');
      const killed = takeBaseline(doomed, target, items, {
        ...quiet,
        maxPages: 8,
        batchPauseMs: 30,
        onProgress: ({ pagesDone }) => {
          if (pagesDone === 16) void owner.query('select pg_terminate_backend($1)', [pid[0].pid]);
        },
      });
      await expect(killed).rejects.toMatchObject({ code: 'capture.connection-lost', exit: 3 });
      const halted = new AbortController();
      const stopped = await takeBaseline(owner, target, items, {
        ...quiet,
        maxPages: 8,
        signal: halted.signal,
        onProgress: () => halted.abort(),
      });
      expect(stopped).toMatchObject({ outcome: 'stopped', rows: expect.any(Number) });
      expect(stopped.rows).toBeLessThan(1_000);
      const rest = await takeBaseline(owner, target, items, quiet);
      expect(rest.outcome).toBe('taken');
      const { rows } = await owner.query(
        `select count(*)::int as n, count(distinct (image_1).id)::int as keys, count(distinct id)::int as ids from items_history`,
      );
      expect(rows).toEqual([{ n: 3_000, keys: 3_000, ids: 3_000 }]);
    });
  });
});
