import type { LogRecord, LossFact } from './record.ts';
import type { SyslogLine } from './syslog-line.ts';

/** local7, the facility of what dynos print. */
const dynoFacility = 23;

/**
 * Whether a line is the database's: PROCID `postgres.<number>`, APP-NAME `app`. A process type of the
 * application may be called `postgres` too, but what dynos print always comes as local7: without
 * that test an application could print statements that nobody ran.
 */
export function fromPostgres(line: SyslogLine): boolean {
  return (
    line.app === 'app' && line.pri >> 3 !== dynoFacility && /^postgres\.\d+$/.test(line.procid)
  );
}

/** ISO 8601 in UTC of a syslog timestamp, milliseconds at most. */
export function lineTime(line: SyslogLine): string {
  return new Date(line.timestamp).toISOString();
}

/** Where a record's line came from, as every record has it. */
export function lineOrigin(line: SyslogLine): Pick<LogRecord, 'host' | 'app' | 'procid'> {
  return { host: line.host, app: line.app, procid: line.procid };
}

/** A line that is no Postgres message: the application's, the router's, a metric. */
export function otherRecord(line: SyslogLine): LogRecord {
  return {
    kind: 'other',
    time: lineTime(line),
    ...lineOrigin(line),
    message: new TextDecoder('utf-8', { ignoreBOM: true }).decode(line.message),
    complete: true,
  };
}

/** A line in which the transport tells of a loss. */
export function lossRecord(line: SyslogLine, loss: LossFact): LogRecord {
  return { ...otherRecord(line), kind: 'loss', loss };
}
