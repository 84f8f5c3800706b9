import { expect, test } from 'vitest';
import { SeenLately } from './seen-lately.ts';

const minute = 60_000;

test('a name is known as long as the span reaches, and no longer held after it', () => {
  const seen = new SeenLately(10 * minute);
  expect(seen.add('a', 0)).toBe(true);
  expect(seen.add('a', 10 * minute)).toBe(false);
  expect(seen.add('b', 10 * minute)).toBe(true);
  expect(seen.add('c', 11 * minute)).toBe(true);
  expect(seen.add('b', 11 * minute)).toBe(false);
  expect(seen.add('a', 11 * minute)).toBe(true);
});

test('what is held follows the span and not the number of names', () => {
  const seen = new SeenLately(10 * minute);
  for (let index = 0; index < 10_000; index++) seen.add(`name ${index}`, index * minute);
  expect(seen.size).toBeLessThanOrEqual(12);
});

test('a clock that goes back forgets nothing too early', () => {
  const seen = new SeenLately(10 * minute);
  seen.add('a', 20 * minute);
  seen.add('b', 5 * minute);
  seen.add('c', 20 * minute);
  expect(seen.add('b', 20 * minute)).toBe(false);
});
