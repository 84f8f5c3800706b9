import { expect, it } from 'vitest';
import { recordIdentity } from './identity.ts';
import { jsonLogRecord } from './json-log.ts';
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

it('the name hangs on what the server wrote, not on what the shipper made of its clock', () => {
  const json = Buffer.from(
    JSON.stringify({
      timestamp: '2026-03-31 14:00:00.123 CEST',
      session_id: '6b05.7',
      line_num: 3,
      error_severity: 'LOG',
      message: 'statement: select 1',
    }),
  );
  const at = (timestamp: string) =>
    recordIdentity(
      jsonLogRecord(
        {
          pri: 134,
          timestamp,
          host: 'host',
          app: 'app',
          procid: 'postgres.7',
          msgid: '-',
          message: json,
        },
        json,
      ),
    );
  expect(at('2026-03-31T13:00:00.123+00:00')).toBe(at('2026-03-31T12:00:00.123+00:00'));
});

it('another number, session, database or time is another name', () => {
  const others = [
    { logLine: 4 },
    { session: '6b05.8' },
    { database: 'two' },
    { time: '2026-11-24T11:00:00.124Z' },
    { serverTime: '2026-11-24 12:00:00.123 CET' },
  ];
  const names = [record, ...others.map((other) => ({ ...record, ...other }))].map(recordIdentity);
  expect(new Set(names).size).toBe(names.length);
});

it('a record whose prefix gives no session or number has none', () => {
  const { session: _, ...noSession } = record;
  const { logLine: __, ...noNumber } = record;
  expect([recordIdentity(noSession), recordIdentity(noNumber)]).toEqual([undefined, undefined]);
});
