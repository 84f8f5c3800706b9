import { classify } from './classify.ts';
import { parseCutObject } from './cut-json.ts';
import { lineOrigin, lineTime, otherRecord } from './line-record.ts';
import { serverTime } from './postgres-prefix.ts';
import type { LogRecord } from './record.ts';
import type { SyslogLine } from './syslog-line.ts';

/**
 * A line of Postgres's jsonlog (15 and later) as a record; `other` with the text as it came where
 * the bytes are no such line. `line` is the syslog line that brought it, or the first of its chunks.
 */
export function jsonLogRecord(line: SyslogLine, json: Uint8Array): LogRecord {
  const record = recordOf(line, parseObject(json) ?? {});
  return record ?? otherRecord({ ...line, message: json });
}

/** The record of a line's fields, or undefined where they are not those of a log line. */
function recordOf(
  line: SyslogLine,
  fields: Readonly<Record<string, unknown>>,
): LogRecord | undefined {
  const message = text(fields['message']);
  const severity = text(fields['error_severity']);
  if (severity === undefined) return undefined;
  const context = text(fields['context']);
  const stamp = text(fields['timestamp']);
  const time = serverTime(stamp ?? '');
  return {
    time: time ?? lineTime(line),
    ...given('serverTime', time === undefined ? stamp : undefined),
    ...lineOrigin(line),
    ...given('session', text(fields['session_id'])),
    ...given('logLine', whole(fields['line_num'])),
    ...given('pid', whole(fields['pid'])),
    ...given('user', text(fields['user'])),
    ...given('database', text(fields['dbname'])),
    ...given('application', text(fields['application_name'])),
    ...given('source', source(fields)),
    ...given('vtid', text(fields['vxid'])),
    ...given('xid', whole(fields['txid'])),
    // Left out by the server where it is the code of success.
    sqlState: text(fields['state_code']) ?? '00000',
    severity,
    message: message ?? '',
    ...given('detail', text(fields['detail'])),
    ...given('hint', text(fields['hint'])),
    ...given('internalQuery', text(fields['internal_query'])),
    ...given('context', context),
    ...classify({
      severity,
      message: message ?? '',
      context,
      statement: text(fields['statement']),
    }),
    complete: true,
  };
}

/**
 * A jsonlog line of which chunks are missing, as `id` of its chunks names it. `head` is what came
 * without a gap from its beginning: what it tells of user and statement is told, so that no client can
 * hide who did what by a statement too long to hold. `rest` came behind the first gap and is text
 * alone. What may stand in the gap can tell the message apart from a raised one, so it is ambiguous.
 */
export function brokenJsonRecord(
  first: SyslogLine,
  id: string,
  head: Uint8Array,
  rest: Uint8Array,
): LogRecord {
  const told = recordOf(first, parseCutObject(new TextDecoder().decode(head)));
  const [, session, number] = /^([0-9a-f]+\.[0-9a-f]+):(\d{1,15})$/.exec(id) ?? [];
  if (told === undefined) {
    return {
      ...otherRecord({ ...first, message: Buffer.concat([head, rest]) }),
      kind: 'log',
      ...given('session', session),
      ...given('logLine', number === undefined ? undefined : Number(number)),
      complete: false,
    };
  }
  const tail = new TextDecoder().decode(rest);
  return {
    ...told,
    message: told.message + tail,
    ...(told.kind === 'statement' ? { statement: (told.statement ?? '') + tail } : {}),
    complete: false,
    ambiguous: true,
  };
}

function parseObject(json: Uint8Array): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(json));
  } catch {
    // Not JSON is an expected outcome: the record keeps the text.
    return undefined;
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** As `%r` of log_line_prefix shows it: `10.1.2.3(41234)`, `[local]`. */
function source(fields: Readonly<Record<string, unknown>>): string | undefined {
  const host = text(fields['remote_host']);
  const port = whole(fields['remote_port']);
  return host === undefined || port === undefined ? host : `${host}(${port})`;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function whole(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}
