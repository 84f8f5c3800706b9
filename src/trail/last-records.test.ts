import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lastRecords } from './last-records.ts';
import type { TrailEntry } from './scan-records.ts';

const entry = (second: number, index: number, loss: boolean): TrailEntry => ({
  type: 'record',
  record: {
    kind: loss ? 'loss' : 'statement',
    time: new Date(second * 1_000).toISOString(),
    host: 'host',
    app: 'app',
    procid: 'postgres.7',
    message: String(index),
    complete: true,
  },
  objects: [],
  frameIds: [],
});

async function* stream(entries: readonly TrailEntry[]): AsyncGenerator<TrailEntry> {
  yield* entries;
}

async function collect(entries: AsyncIterable<TrailEntry>): Promise<TrailEntry[]> {
  const all: TrailEntry[] = [];
  for await (const one of entries) all.push(one);
  return all;
}

const isRecord = (one: TrailEntry) => one.type === 'record' && one.record.kind !== 'loss';

test('the newest records come in time order, with each loss that stands among them', async () => {
  const spec = fc.array(fc.tuple(fc.nat(30), fc.boolean()), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(spec, fc.integer({ min: 1, max: 20 }), async (given, count) => {
      const sorted = given
        .toSorted(([a], [b]) => a - b)
        .map(([second, loss], index) => entry(second, index, loss));
      const found = await collect(lastRecords(stream(sorted), count));
      const wanted = sorted.filter(isRecord).slice(-count);
      expect(found.filter(isRecord)).toEqual(wanted);
      const first = wanted.length < count ? 0 : sorted.indexOf(wanted[0] as TrailEntry);
      const losses = sorted.slice(first).filter((one) => !isRecord(one));
      for (const loss of losses) expect(found).toContainEqual(loss);
      expect(found).toEqual(
        sorted.slice(sorted.indexOf(found[0] as TrailEntry)).filter((one) => found.includes(one)),
      );
    }),
  );
});

test('a flood of losses is held to a bound', async () => {
  const flood = Array.from({ length: 5_000 }, (_, index) => entry(index, index, true));
  expect(await collect(lastRecords(stream(flood), 1))).toHaveLength(2_047);
});

test('of a scan that was stopped nothing is called the newest', async () => {
  const stopped = AbortSignal.abort();
  expect(await collect(lastRecords(stream([entry(1, 1, false)]), 5, stopped))).toEqual([]);
});
