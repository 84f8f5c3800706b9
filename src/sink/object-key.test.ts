import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  arrivalKey,
  dayPrefix,
  derivedKey,
  formatObjectKey,
  keyWindow,
  logsPrefix,
  parseObjectKey,
} from './object-key.ts';

const arrivedAt = Date.UTC(2026, 5, 30, 23, 59, 59, 500);
const frame = {
  id: '09C557EAFCFB6CF2740EE62F62971098',
  token: 'd.9173ea1f-6f14-4976-9cf0-7cd0dafdcdbc',
  timestamp: '2026-06-30T23:59:58.123456+00:00',
  content: 'a digest',
};
const uuidV8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('the key of a frame with an id derives from the frame alone, whenever it arrives', () => {
  const first = derivedKey('raxx-api-prod', frame, arrivedAt);
  const later = derivedKey('raxx-api-prod', frame, arrivedAt + 3_600_000);
  expect(later).toEqual(first);
  expect(first.stable).toBe(true);
  expect(first.key).toMatch(/^logs\/raxx-api-prod\/2026\/06\/30\/1782863998123-/);
  expect(first.uuid).toMatch(uuidV8);
});

test('token, id, timestamp and content each change the key, and none runs into the next', () => {
  const uuids = [
    frame,
    { ...frame, id: `${frame.id}0` },
    { ...frame, token: 'd.other' },
    { ...frame, timestamp: '2026-06-30T23:59:58.123457+00:00' },
    { ...frame, content: 'another digest' },
    { ...frame, timestamp: '', content: frame.timestamp + frame.content },
    { ...frame, token: '', id: frame.token + frame.id },
    { ...frame, token: frame.token + frame.id, id: '' },
  ].map((identity) => derivedKey('a', identity, arrivedAt).uuid);
  expect(new Set(uuids).size).toBe(uuids.length);
});

test('the day of a key is the UTC day, whatever zone the timestamp is written in', () => {
  const west = { ...frame, timestamp: '2026-06-30T17:05:00-07:00' };
  expect(derivedKey('a', west, arrivedAt).key).toMatch(/^logs\/a\/2026\/07\/01\/1782864300000-/);
});

test.each([
  ['', 'no timestamp'],
  ['yesterday', 'no date'],
  ['2026-06-30T23:59:58', 'no zone'],
  ['2026-02-31T00:00:00Z', 'a day that is not in the calendar or months away'],
  ['9999-12-31T23:59:59Z', 'the far future'],
  ['1969-12-31T23:59:59Z', 'before the epoch'],
  ['2026-06-29T23:00:00Z', 'more than a day before its arrival'],
  ['2026-07-01T00:20:00Z', 'minutes after its arrival'],
  ['2026-06-30T23:59:58Z/../../x', 'a path behind it'],
])(
  'a timestamp of no use (%s, %s) leaves the arrival as time, and the UUID still derives',
  (timestamp) => {
    const first = derivedKey('a', { ...frame, timestamp }, arrivedAt);
    const second = derivedKey('a', { ...frame, timestamp }, arrivedAt + 5_000);
    expect(first.stable).toBe(false);
    expect(parseObjectKey(first.key)?.time).toBe(arrivedAt);
    expect(second.uuid).toBe(first.uuid);
  },
);

test('a derived time never lies outside the window that readers rely on', () => {
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true }), (date) => {
      const { key } = derivedKey('a', { ...frame, timestamp: date.toISOString() }, arrivedAt);
      const time = parseObjectKey(key)?.time ?? 0;
      expect(time).toBeGreaterThanOrEqual(arrivedAt - keyWindow.earlierMs);
      expect(time).toBeLessThanOrEqual(arrivedAt + keyWindow.laterMs);
    }),
  );
});

test('a frame without an id gets arrival time and a new random UUID each time', () => {
  const keys = [arrivalKey('a', arrivedAt), arrivalKey('a', arrivedAt)];
  expect(keys[0]).not.toBe(keys[1]);
  expect(keys.map((key) => parseObjectKey(key)?.time)).toEqual([arrivedAt, arrivedAt]);
});

test('every key reads back as its parts', () => {
  const parts = fc.record({
    prefix: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,62}$/),
    time: fc.integer({ min: 1_000_000_000_000, max: 9_999_999_999_999 }),
    uuid: fc.uuid(),
  });
  fc.assert(
    fc.property(parts, (key) => {
      const text = formatObjectKey(key);
      expect(parseObjectKey(text)).toEqual(key);
      expect(text.startsWith(dayPrefix(key.prefix, key.time))).toBe(true);
    }),
  );
});

test.each([Number.NaN, -1, 0, Number.POSITIVE_INFINITY, 1e300])(
  'a clock that says %s still makes a key that reads back',
  (now) => {
    expect(parseObjectKey(arrivalKey('a', now))).toBeDefined();
  },
);

test.each([
  'logs/a/2026/07/01/1782863998123-00000000-0000-8000-8000-000000000000.gz',
  'logs/a/2026/06/30/1782863998123-00000000-0000-8000-8000-000000000000',
  'logs/a/2026/06/30/x/1782863998123-00000000-0000-8000-8000-000000000000.gz',
  'logs/../2026/06/30/1782863998123-00000000-0000-8000-8000-000000000000.gz',
  '/logs/a/2026/06/30/1782863998123-00000000-0000-8000-8000-000000000000.gz',
  'history/a/2026/06/30/1782863998123-00000000-0000-8000-8000-000000000000.gz',
  '',
])('what is no key of an object is told as none: %s', (key) => {
  expect(parseObjectKey(key)).toBeUndefined();
});

test.each([
  '',
  '.',
  '..',
  '../x',
  'a/b',
  'a\\b',
  '.hidden',
  'Ä',
  'a\0',
  'a\n',
  'A',
  'a'.repeat(97),
])('%j can be no prefix', (prefix) => {
  expect(() => logsPrefix(prefix)).toThrow(expect.objectContaining({ code: 'sink.bad-prefix' }));
});

test('no identity, however hostile, gets out of its prefix', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('../../../etc', '\0', 'a/b', '%2e%2e/'),
  );
  fc.assert(
    fc.property(text, text, text, text, (id, token, timestamp, content) => {
      const { key } = derivedKey('a', { id, token, timestamp, content }, arrivedAt);
      expect(parseObjectKey(key)?.prefix).toBe('a');
    }),
  );
});
