import type { SyslogLine } from '../../src/logplex/syslog-line.ts';

/** A message as a server's code hands it to its log. */
export interface ServerMessage {
  readonly severity: string;
  readonly sqlState: string;
  readonly primary: string;
  /** In the order in which the server writes them. */
  readonly fields?: readonly (readonly [label: string, text: string])[];
}

/** A session, so far as a `log_line_prefix` tells of it. */
export interface ServerSession {
  readonly prefix: 'session' | 'essential' | 'plain';
  readonly pid: number;
  readonly user: string;
  readonly application: string;
}

/** PG_SYSLOG_LIMIT of Postgres's elog.c. */
const limit = 900;

/**
 * The lines that a drain brings of a message, made as Postgres's elog.c makes them: a prefix before the
 * message and each field, a TAB after each newline within one, cut at newlines and at 900 bytes.
 * `number` is N of `[N-M]`; `logLine` that of the first field.
 */
export function serverLines(
  session: ServerSession,
  message: ServerMessage,
  number: number,
  logLine = 1,
): SyslogLine[] {
  const all = [[message.severity, message.primary] as const, ...(message.fields ?? [])];
  const text = all
    .map(
      ([label, said], index) =>
        `${prefixOf(session, message.sqlState, logLine + index)}${label}:  ${said.replaceAll('\n', '\n\t')}\n`,
    )
    .join('');
  return chunks(Buffer.from(text)).map((chunk, index) => ({
    pri: 134,
    timestamp: '2026-11-24T12:14:51+00:00',
    host: 'host',
    app: 'app',
    procid: `postgres.${session.pid}`,
    msgid: '-',
    message: Buffer.concat([
      Buffer.from(`[YELLOW] [${number}-${index + 1}]`),
      // A transport trims a chunk of blanks alone.
      chunk.toString('latin1').trim() === ''
        ? Buffer.alloc(0)
        : Buffer.concat([Buffer.from(' '), chunk]),
    ]),
  }));
}

function prefixOf(session: ServerSession, sqlState: string, logLine: number): string {
  const { prefix, pid, user, application } = session;
  if (prefix === 'plain') return ` sql_error_code = ${sqlState} `;
  const source = '10.1.2.3(41234)';
  if (prefix === 'essential') {
    return ` database = d4f connection_source = ${source} sql_error_code = ${sqlState} `;
  }
  return (
    ` sql_error_code = ${sqlState} time_ms = "2026-11-24 12:14:51.112 UTC" pid="${pid}"` +
    ` proc_start_time="2026-11-24 12:14:40 UTC" session_id="6b057fbb.${pid.toString(16)}" vtid="3/24"` +
    ` tid="0" log_line="${logLine}" database="d4f" connection_source="${source}"` +
    ` user="${user}" application_name="${application}" `
  );
}

function chunks(text: Buffer): Buffer[] {
  const out: Buffer[] = [];
  for (let at = 0; at < text.length; ) {
    if (text[at] === 0x0a) {
      // A newline right behind a cut begins no chunk of its own.
      at += 1;
      continue;
    }
    const newline = text.indexOf(0x0a, at);
    const lineEnd = newline === -1 ? text.length : newline;
    let end = Math.min(lineEnd, at + limit);
    while (end > at && ((text[end] ?? 0) & 0xc0) === 0x80) end -= 1;
    if (end < lineEnd && !isSpace(text[end])) {
      let blank = end - 1;
      while (blank > at && !isSpace(text[blank])) blank -= 1;
      if (blank > at) end = blank;
    }
    out.push(text.subarray(at, end));
    at = text[end] === 0x0a ? end + 1 : end;
  }
  return out;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}
