import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMemoryBudget, type Hold } from './memory-budget.ts';

const never = new AbortController().signal;
/** What a promise is resolved to by now. */
async function soFar<T>(promise: Promise<T>): Promise<T | 'waits'> {
  await new Promise((resolve) => setImmediate(resolve));
  return Promise.race([promise, Promise.resolve('waits' as const)]);
}

test('who fills their own half waits for it, and holds up nobody else', async () => {
  const budget = createMemoryBudget(800);
  const mine = [budget.take(300, 'a', never), budget.take(100, 'a', never)];
  const waiting = budget.take(50, 'a', never);
  expect(await soFar(waiting)).toBe('waits');
  expect(await soFar(budget.take(300, 'b', never))).not.toBe('waits');
  expect(budget.held).toBe(700);
  (await mine[1])?.keep(0);
  expect(await soFar(waiting)).not.toBe('waits');
  expect(budget.held).toBe(650);
});

test('one request counts for three eighths at most, so that what else is held of its owner does not keep it out', async () => {
  const budget = createMemoryBudget(800);
  await budget.take(90, 'a', never);
  expect(await soFar(budget.take(100_000, 'a', never))).not.toBe('waits');
  expect(budget.held).toBe(390);
  expect(await soFar(budget.take(100_000, 'b', never))).not.toBe('waits');
  expect(budget.held).toBe(690);
});

test('a large request is not passed over by smaller ones that come later', async () => {
  const budget = createMemoryBudget(800);
  const first = await budget.take(300, 'a', never);
  await budget.take(300, 'b', never);
  const large = budget.take(300, 'c', never);
  const small = budget.take(10, 'd', never);
  expect([await soFar(large), await soFar(small)]).toEqual(['waits', 'waits']);
  first?.keep(0);
  expect([await soFar(large), await soFar(small)]).not.toContain('waits');
});

test('one frame does not stand behind all that another owner has in line', async () => {
  const budget = createMemoryBudget(800);
  const held = [await budget.take(300, 'a', never), await budget.take(300, 'b', never)];
  // Neither has used up a half, and 200 are left.
  const crowd = Array.from({ length: 6 }, () => budget.take(100, 'a', never));
  const large = budget.take(250, 'c', never);
  const one = budget.take(100, 'd', never);
  expect([await soFar(large), await soFar(one)]).toEqual(['waits', 'waits']);
  held[1]?.keep(0);
  expect([await soFar(large), await soFar(one)]).not.toContain('waits');
  expect(await soFar(Promise.race(crowd.slice(1)))).toBe('waits');
});

test('who gives up waiting lets the next one in', async () => {
  const budget = createMemoryBudget(800);
  await budget.take(300, 'a', never);
  await budget.take(300, 'b', never);
  const stop = new AbortController();
  const gone = budget.take(300, 'c', stop.signal);
  const next = budget.take(100, 'd', never);
  stop.abort();
  expect(await gone).toBeUndefined();
  expect(await soFar(next)).not.toBe('waits');
  expect(await budget.take(1, 'd', AbortSignal.abort())).toBeUndefined();
});

test('no more is held than there is, nobody holds more than half, and all is given back', async () => {
  const step = fc.record({
    of: fc.constantFrom('a', 'b', 'c'),
    bytes: fc.nat(1_000),
    keep: fc.nat(400),
    gives: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const budget = createMemoryBudget(800);
      const stop = new AbortController();
      const held: { readonly of: string; readonly hold: Hold; bytes: number }[] = [];
      const all: Promise<void>[] = [];
      for (const { of, bytes, keep, gives } of steps) {
        all.push(
          budget.take(bytes, of, stop.signal).then((hold) => {
            if (hold !== undefined) held.push({ of, hold, bytes: Math.min(bytes, 300) });
          }),
        );
        await soFar(Promise.resolve());
        const one = gives ? held[keep % Math.max(held.length, 1)] : undefined;
        if (one !== undefined) {
          one.bytes = Math.min(one.bytes, keep);
          one.hold.keep(keep);
          await soFar(Promise.resolve());
        }
        expect(budget.held).toBe(held.reduce((sum, each) => sum + each.bytes, 0));
        expect(budget.held).toBeLessThanOrEqual(800);
        for (const name of ['a', 'b', 'c']) {
          const own = held.filter((each) => each.of === name);
          expect(own.reduce((sum, each) => sum + each.bytes, 0)).toBeLessThanOrEqual(400);
        }
      }
      stop.abort();
      await Promise.all(all);
      for (const { hold } of held) hold.keep(0);
      expect(budget.held).toBe(0);
    }),
    { numRuns: 60 },
  );
});
