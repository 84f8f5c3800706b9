import { encodeFrame } from '../../src/logplex/frame.ts';
import type { SyslogLine } from '../../src/logplex/syslog-line.ts';

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * What Heroku makes of a datagram that Postgres sent to syslog, `<134>Nov 24 11:00:00 postgres[123]: [12-1] …`:
 * the priority stays; the time (UTC) gets its year; HOST, APP-NAME and MSGID are `host`, `app`, `-`; the
 * process id becomes PROCID `postgres.123`; the text gets the add-on's colour before it; a chunk of
 * blanks alone comes without them (`[13-2]`, as seen on Heroku for a blank line).
 */
export function herokuLine(datagram: Uint8Array, year: number): SyslogLine {
  const text = Buffer.from(datagram).toString('latin1');
  const match = /^<(\d+)>([A-Z][a-z]{2}) ([ \d]\d) (\d\d:\d\d:\d\d) postgres\[(\d+)\]: (.*)$/s.exec(
    text,
  );
  if (match === null) throw new Error(`no datagram of Postgres: ${text.slice(0, 80)}`);
  const [, pri, month, day, time, pid, message] = match as unknown as string[];
  const date = `${year}-${pad(months.indexOf(month ?? '') + 1)}-${pad(Number(day))}`;
  return {
    pri: Number(pri),
    timestamp: `${date}T${time}+00:00`,
    host: 'host',
    app: 'app',
    procid: `postgres.${pid}`,
    msgid: '-',
    message: Buffer.from(`[YELLOW] ${message?.replace(/^(\[\d+-\d+\])[ \t]+$/, '$1')}`, 'latin1'),
  };
}

/** The frame that would carry these datagrams. */
export function herokuFrame(datagrams: readonly Uint8Array[], year: number): Uint8Array {
  return encodeFrame(datagrams.map((datagram) => herokuLine(datagram, year)));
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
