import fc from 'fast-check';
import { createColors } from 'picocolors';
import { expect, test } from 'vitest';
import type { LogRecord } from '../logplex/record.ts';
import { columnsOf } from './harmless-text.ts';
import { showRecord } from './show-record.ts';

const headOf = (fields: Partial<LogRecord>) =>
  showRecord(
    {
      kind: 'statement',
      time: '2026-06-30T12:00:00.000Z',
      host: 'host',
      app: 'app',
      procid: 'postgres.7',
      user: 'raptor_app',
      message: '',
      complete: true,
      ...fields,
    },
    createColors(false),
  ).split('\n')[0] ?? '';

test.each<[Partial<LogRecord>, string]>([
  [{}, 'raptor_app  statement'],
  [{ source: '10.1.2.3(41234)' }, 'raptor_app  10.1.2.3  statement'],
  [{ source: '[local]', application: 'psql' }, 'raptor_app  [local]  psql  statement'],
  [{ source: '2001:db8::7(5)', application: '' }, 'raptor_app  2001:db8::7  statement'],
  [
    { source: '10.1.2.3(41234)', application: 'raxx-web: the longest of all names' },
    'raptor_app  10.1.2.3  raxx-web: the longes…  statement',
  ],
  [{ application: 'x  error' }, 'raptor_app  x error  statement'],
])('%j is headed by %s', (fields, head) => {
  expect(headOf(fields)).toBe(`2026-06-30T12:00:00.000Z  ${head}`);
});

test('whatever a client calls itself, the head keeps to 80 columns and ends with the kind', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 63 });
  fc.assert(
    fc.property(text, fc.string({ maxLength: 45 }), (application, source) => {
      const head = headOf({ application, source });
      expect(columnsOf(head)).toBeLessThanOrEqual(80);
      expect(head).toMatch(/ {2}statement$/);
    }),
  );
});
