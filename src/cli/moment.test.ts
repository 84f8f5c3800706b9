import { describe, expect, test } from 'vitest';
import { parseMoment } from './moment.ts';

const now = Date.UTC(2026, 5, 30, 12);

describe('parseMoment', () => {
  test.each([
    ['1h', now - 3_600_000],
    ['7d', now - 7 * 86_400_000],
    ['2026-06-29', Date.UTC(2026, 5, 29)],
    ['2026-06-30T11:30', Date.UTC(2026, 5, 30, 11, 30)],
    ['2026-06-30 11:30:15.250', Date.UTC(2026, 5, 30, 11, 30, 15, 250)],
    ['2026-06-30T11:30:00Z', Date.UTC(2026, 5, 30, 11, 30)],
    ['2026-06-30T11:30:00+02:00', Date.UTC(2026, 5, 30, 9, 30)],
  ])('%s is a moment in UTC', (text, expected) => {
    expect(parseMoment(text, '--since', now)).toBe(expected);
  });

  test.each(['', 'yesterday', '0h', '-1h', '2026-13-01', '2026-06-30T25:00', '1 h', '30'])(
    '%j is refused, with what to write instead',
    (text) => {
      expect(() => parseMoment(text, '--since', now)).toThrow(
        expect.objectContaining({ code: 'cli.bad-moment', exit: 2 }),
      );
    },
  );
});
