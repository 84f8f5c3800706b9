import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TimeOrder } from './time-order.ts';

const place = fc.record({
  timeMs: fc.nat(20),
  group: fc.constantFrom('a', 'b'),
  number: fc.nat(3),
});

test('with room enough all values come in order: time, group, number, arrival', () => {
  fc.assert(
    fc.property(fc.array(place), (places) => {
      const order = new TimeOrder<number>(Number.POSITIVE_INFINITY);
      for (const [index, at] of places.entries()) order.add(at, 1, index);
      const expected = places
        .map((at, index) => ({ at, index }))
        .sort(
          (a, b) =>
            a.at.timeMs - b.at.timeMs ||
            (a.at.group < b.at.group ? -1 : a.at.group > b.at.group ? 1 : 0) ||
            a.at.number - b.at.number ||
            a.index - b.index,
        );
      expect([...order.take(Number.POSITIVE_INFINITY)]).toEqual(expected.map(({ index }) => index));
    }),
  );
});

test('what lies before the time that is asked for comes, the rest is held', () => {
  const order = new TimeOrder<number>(100);
  for (const timeMs of [5, 3, 9, 1]) order.add({ timeMs, group: '', number: 0 }, 1, timeMs);
  expect([...order.take(5)]).toEqual([1, 3]);
  expect([...order.take(5)]).toEqual([]);
  expect([...order.take(10)]).toEqual([5, 9]);
});

test('over the budget the earliest comes early, and no value is lost', () => {
  const order = new TimeOrder<number>(10);
  const given: number[] = [];
  for (let timeMs = 100; timeMs > 0; timeMs--) {
    order.add({ timeMs, group: '', number: 0 }, 3, timeMs);
    given.push(...order.take(0));
  }
  expect(given).toHaveLength(97);
  expect([...given, ...order.take(1_000)].sort((a, b) => a - b)).toEqual(
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
});
