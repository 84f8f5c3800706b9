import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dayPrefixes } from './day-prefixes.ts';

const day = 86_400_000;
const folderOf = (ms: number) =>
  `logs/a/${new Date(ms).toISOString().slice(0, 10).replaceAll('-', '/')}/`;

describe('dayPrefixes', () => {
  test('an hour across midnight needs two day folders', () => {
    const from = Date.UTC(2026, 11, 31, 23, 30);
    expect(dayPrefixes('logs/a/', from, from + 3_600_000)).toEqual([
      'logs/a/2026/12/31/',
      'logs/a/2027/01/01/',
    ]);
  });

  test('whole months and years are listed as such', () => {
    expect(dayPrefixes('', Date.UTC(2023, 10, 30), Date.UTC(2025, 1, 1, 5))).toEqual([
      '2023/11/30/',
      '2023/12/',
      '2024/',
      '2025/01/',
      '2025/02/01/',
    ]);
  });

  test('a span that lies before 1970 or ends before it begins needs none', () => {
    expect(dayPrefixes('', -10 * day, -5)).toEqual([]);
    expect(dayPrefixes('', 5 * day, 4 * day)).toEqual([]);
  });

  test('every day of the span is under exactly one prefix, in key order, and no other day is', () => {
    const moment = fc.integer({ min: Date.UTC(2019, 0, 1), max: Date.UTC(2029, 0, 1) });
    fc.assert(
      fc.property(moment, fc.integer({ min: 0, max: 900 * day }), (from, length) => {
        const to = from + length;
        const prefixes = dayPrefixes('logs/a/', from, to);
        expect(prefixes).toEqual([...prefixes].sort());
        const first = Math.floor(from / day) * day;
        for (let at = first - 40 * day; at <= to + 40 * day; at += day) {
          const holds = prefixes.filter((prefix) => folderOf(at).startsWith(prefix)).length;
          expect(holds).toBe(at >= first && at <= to ? 1 : 0);
        }
      }),
      { numRuns: 10 },
    );
  });
});
