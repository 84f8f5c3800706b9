import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextPages } from './baseline-pace.ts';

test('batches grow while they are quick and shrink when they are slow, to no more than 5,000 rows or 8 MB', () => {
  expect(nextPages(8, { ms: 20, found: 80, looked: false })).toBe(16);
  expect(nextPages(64, { ms: 800, found: 640, looked: false })).toBe(32);
  expect(nextPages(64, { ms: 100, found: 6_400, looked: false })).toBe(50);
  expect(nextPages(1_024, { ms: 1, found: 0, looked: false })).toBe(1_024);
});

test('a look into history, which costs the same for few rows, makes no batch smaller', () => {
  expect(nextPages(64, { ms: 5_000, found: 640, looked: true })).toBe(64);
  expect(nextPages(64, { ms: 50, found: 640, looked: true })).toBe(128);
});

test('there is always a next batch of at least a page', () => {
  const took = fc.record({ ms: fc.nat(), found: fc.nat(), looked: fc.boolean() });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_024 }), took, (pages, batch) => {
      const next = nextPages(pages, batch);
      expect(Number.isInteger(next) && next >= 1 && next <= 1_024).toBe(true);
    }),
  );
});
