import { expect, it } from 'vitest';
import { recordIdentity } from './identity.ts';
import type { LogRecord } from './record.ts';

const record: LogRecord = {
  kind: 'statement',
  time: '2026-11-24T11:00:00.123Z',
  host: 'host',
  app: 'app',
  procid: 'postgres.7',
  session: '6b05.7',
  logLine: 3,
  database: 'one',
  message: 'statement: select 1',
  complete: true,
};

it('a record has one name, whichever drain brought it', () => {
  expect(recordIdentity(record)).toBeDefined();
  expect(recordIdentity({ ...record, host: 'd.1-2', procid: 'postgres.9' })).toBe(
    recordIdentity(record),
  );
});

it('another number, session, database or time is another name', () => {
  const others = [
    { logLine: 4 },
    { session: '6b05.8' },
    { database: 'two' },
    { time: '2026-11-24T11:00:00.124Z' },
  ];
  const names = [record, ...others.map((other) => ({ ...record, ...other }))].map(recordIdentity);
  expect(new Set(names).size).toBe(names.length);
});

it('a record whose prefix gives no session or number has none', () => {
  const { session: _, ...noSession } = record;
  const { logLine: __, ...noNumber } = record;
  expect([recordIdentity(noSession), recordIdentity(noNumber)]).toEqual([undefined, undefined]);
});
