import type { LogRecord } from './record.ts';

/**
 * What names a record wherever it turns up: a second drain, a retry without a frame id, an object
 * read twice. Undefined where its log line carries no session and number; such a record can't be
 * told from its double. `%c` is start time and process id, so two databases can have the same at
 * once: the database and the time are part of the name. The time is the server's own text of it
 * where there is one: what a shipper made of it may differ from one shipping to the next.
 */
export function recordIdentity(record: LogRecord): string | undefined {
  if (record.session === undefined || record.logLine === undefined) return undefined;
  return `${record.session}/${record.logLine}/${record.database ?? ''}/${record.serverTime ?? record.time}`;
}
