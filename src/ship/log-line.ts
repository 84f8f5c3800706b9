import { createHash } from 'node:crypto';

/** What the header of a syslog line needs of a jsonlog line. Absent fields were not there or not readable. */
export interface LogHead {
  readonly pid?: number;
  /** `<session_id>:<line_num>`: names the message among all of the server. */
  readonly id?: string;
  /** The server's wall clock as milliseconds since 1970 *as if it were UTC*, and the zone's abbreviation. */
  readonly wall?: { readonly ms: number; readonly zone: string };
  /** Minutes that the server's wall clock is ahead of UTC, in `zone`, as the session's start gives it away. */
  readonly offset?: { readonly minutes: number; readonly zone: string };
}

/**
 * How every line of Postgres's jsonlog begins. Inside a JSON string its quotes would be escaped, so where
 * these bytes stand, a line begins: also right after the stump of one that a crash tore.
 */
export const lineStart = Buffer.from('{"timestamp":"');

/** The fields looked at come before the message; no user or database name is so long that they are pushed out. */
export const headBytes = 4_096;

/**
 * Reads the beginning of a jsonlog line. It is searched, not parsed: a line may be torn, or longer than
 * memory; and no text can forge a field, since a quote inside a JSON string is escaped.
 */
export function parseLogHead(line: Uint8Array): LogHead {
  const text = Buffer.from(line.buffer, line.byteOffset, Math.min(line.length, headBytes)).toString(
    'latin1',
  );
  const session = /"session_id":"([0-9a-f]{1,16})\.([0-9a-f]{1,8})"/.exec(text);
  const number = /"line_num":(\d{1,15})[,}]/.exec(text);
  const pid = /"pid":(\d{1,10})[,}]/.exec(text);
  const wall = parseWall(/^\{"timestamp":"([^"]{1,80})"/.exec(text)?.[1]);
  const started = parseWall(/"session_start":"([^"]{1,80})"/.exec(text)?.[1]);
  const offset = session === null ? undefined : offsetAtStart(started, session[1] ?? '');
  return {
    ...(pid !== null && { pid: Number(pid[1]) }),
    ...(session !== null &&
      number !== null && {
        id: `${session[1]}.${session[2]}:${number[1]}`,
      }),
    ...(wall && { wall }),
    ...(offset && { offset }),
  };
}

/**
 * A session's id begins with its start in seconds since 1970, so what its wall clock said then tells
 * the zone, whatever the abbreviation means (IST is three zones).
 */
function offsetAtStart(started: LogHead['wall'], hexSeconds: string): LogHead['offset'] {
  if (started === undefined) return undefined;
  const minutes = Math.round((started.ms - Number.parseInt(hexSeconds, 16) * 1_000) / 60_000);
  // Farther from UTC is no zone.
  return Math.abs(minutes) > 16 * 60 ? undefined : { minutes, zone: started.zone };
}

/**
 * When the line was written, ISO 8601 in UTC with milliseconds, as Logplex writes it. `zones` holds the
 * offsets that other lines gave away: a session that began before the clocks were changed knows only
 * the old one, and which way they went is not guessed.
 */
export function timeOf(head: LogHead, zones: ReadonlyMap<string, number>): string | undefined {
  if (head.wall === undefined) return undefined;
  const { ms, zone } = head.wall;
  const own = head.offset?.zone === zone ? head.offset.minutes : undefined;
  const minutes = own ?? fixedOffset(zone) ?? zones.get(zone);
  if (minutes === undefined) return undefined;
  return logplexTime(ms - minutes * 60_000);
}

/**
 * The offset of the zone in which `head`, the last line of a file, was written, where its session can't
 * tell: the server wrote it when the file was last changed, at `changedMs` (epoch ms). Undefined where
 * that doesn't fit, as after a copy that set the file's time anew.
 */
export function offsetAtEnd(head: LogHead, changedMs: number): LogHead['offset'] {
  const { wall, offset } = head;
  if (wall === undefined || offset === undefined) return undefined;
  const minutes = Math.round((wall.ms - changedMs) / quarterHour) * 15;
  const lateMs = changedMs - (wall.ms - minutes * 60_000);
  const fits = lateMs >= -1_000 && lateMs <= 60_000;
  // No clocks are changed by more than two hours.
  if (!fits || Math.abs(minutes - offset.minutes) > 120) return undefined;
  return { zone: wall.zone, minutes };
}

/** Each zone's offset is a multiple of it; in milliseconds. */
const quarterHour = 15 * 60_000;

/** `2026-11-24T11:18:50.775+00:00` */
export function logplexTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '+00:00');
}

/** Zones whose name says how far they are from UTC. */
function fixedOffset(zone: string): number | undefined {
  if (zone === 'UTC' || zone === 'GMT') return 0;
  const match = /^([+-])(\d\d)(?::?(\d\d))?$/.exec(zone);
  if (match === null) return undefined;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  return match[1] === '-' ? -minutes : minutes;
}

const wallShape = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d{1,6})? ([A-Za-z0-9+:_/-]{1,40})$/;

function parseWall(text: string | undefined): { ms: number; zone: string } | undefined {
  const match = wallShape.exec(text ?? '');
  if (match === null) return undefined;
  const ms = Date.parse(`${match[1]}T${match[2]}${match[3] ?? ''}Z`);
  return Number.isNaN(ms) ? undefined : { ms, zone: match[4] ?? '' };
}

/**
 * The parts of one line of the file: more than one only where a crash tore a line and the restarted
 * server went on in the same file, right behind the stump.
 */
export function splitTorn(line: Uint8Array): Uint8Array[] {
  const buffer = Buffer.from(line.buffer, line.byteOffset, line.length);
  const parts: Uint8Array[] = [];
  let from = 0;
  for (;;) {
    const next = buffer.indexOf(lineStart, from + 1);
    parts.push(line.subarray(from, next === -1 ? line.length : next));
    if (next === -1) return parts;
    from = next;
  }
}

/** Lower-case hex SHA-256. */
export function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
