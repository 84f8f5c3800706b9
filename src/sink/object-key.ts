import { createHash, randomUUID } from 'node:crypto';
import { PgwitnessError } from '../error.ts';

/** An object's key, taken apart. */
export interface ObjectKey {
  /** Path segment below `logs/`. */
  readonly prefix: string;
  /** Epoch milliseconds: the frame's own time or its arrival. */
  readonly time: number;
  /** UUIDv8 where it derives from a frame's id, UUIDv4 where it is random. */
  readonly uuid: string;
}

/** What a frame carries that a retry of it repeats, whatever else changes in its body. */
export interface FrameIdentity {
  /** `Logplex-Frame-Id`. */
  readonly id: string;
  /** `Logplex-Drain-Token`; '' where the frame had none. */
  readonly token: string;
  /** Timestamp of the first line that is no loss line, as received; '' where there is none. */
  readonly timestamp: string;
  /**
   * Digest of what a retry repeats. An id alone does not say that two bodies are one frame: a sender
   * that uses it again, or a loss that has grown since, would find its key taken, and a 200 would
   * stand for bytes that no object holds.
   */
  readonly content: string;
}

/**
 * How far the time in a derived key may lie from the arrival. A reader that looks for what arrived
 * since T lists keys from T - earlierMs on and misses nothing; a line's hostile timestamp can't
 * hide its object in a year that nobody lists. Frames outside take the arrival instead.
 */
export const keyWindow = { earlierMs: 24 * 3_600_000, laterMs: 10 * 60_000 } as const;

/** Config allows 63 characters; `unclaimed-` and the like may stand before them. */
const prefixShape = /^[a-z0-9][a-z0-9._-]{0,95}$/;
const keyShape =
  /^logs\/([a-z0-9][a-z0-9._-]{0,95})\/(\d{4})\/(\d{2})\/(\d{2})\/(\d{13})-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.gz$/;
/** Thirteen digits, so that keys sort by time as text: 2001-09-09 to 2286-11-20. */
const firstTime = 1_000_000_000_000;
const lastTime = 9_999_999_999_999;

/** `logs/<prefix>/`: all objects of an app. Throws `sink.bad-prefix` for what is no path segment. */
export function logsPrefix(prefix: string): string {
  if (!prefixShape.test(prefix)) {
    throw new PgwitnessError({
      code: 'sink.bad-prefix',
      message: `${JSON.stringify(prefix.slice(0, 100))} can't be a folder of the archive.`,
      fix: 'Use lower-case letters, digits, dots and dashes, beginning with a letter or digit.',
      exit: 2,
    });
  }
  return `logs/${prefix}/`;
}

/** `logs/<prefix>/<YYYY>/<MM>/<DD>/`, the UTC day of `time` (epoch milliseconds). */
export function dayPrefix(prefix: string, time: number): string {
  return `${logsPrefix(prefix)}${new Date(inRange(time)).toISOString().slice(0, 10).replaceAll('-', '/')}/`;
}

/** `logs/<prefix>/<YYYY>/<MM>/<DD>/<epoch_ms>-<uuid>.gz`, the day in UTC. */
export function formatObjectKey(key: ObjectKey): string {
  const time = inRange(key.time);
  return `${dayPrefix(key.prefix, time)}${time}-${key.uuid}.gz`;
}

/** The parts of a key, or undefined for what is no key of an object (its day must be its time's). */
export function parseObjectKey(key: string): ObjectKey | undefined {
  const match = keyShape.exec(key);
  if (match === null) return undefined;
  const [, prefix = '', year, month, day, digits, uuid = ''] = match;
  const time = Number(digits);
  if (time < firstTime) return undefined;
  if (new Date(time).toISOString().slice(0, 10) !== `${year}-${month}-${day}`) return undefined;
  return { prefix, time, uuid };
}

/** Key of an object that is not one frame with an id: arrival and a random UUID. */
export function arrivalKey(prefix: string, arrivedAt: number): string {
  return formatObjectKey({ prefix, time: arrivedAt, uuid: randomUUID() });
}

/**
 * Key of the object of one frame with an id: the same at every retry, from any process. Where the
 * frame has no timestamp inside `keyWindow`, only the UUID is (`stable: false`): the time is the
 * arrival, and a retry that nobody remembers makes a second object, which the reader tells by id.
 */
export function derivedKey(
  prefix: string,
  frame: FrameIdentity,
  arrivedAt: number,
): { readonly key: string; readonly uuid: string; readonly stable: boolean } {
  const uuid = frameUuid(frame);
  const own = parseTimestamp(frame.timestamp);
  const stable =
    own !== undefined &&
    own >= arrivedAt - keyWindow.earlierMs &&
    own <= arrivedAt + keyWindow.laterMs;
  return { key: formatObjectKey({ prefix, time: stable ? own : arrivedAt, uuid }), uuid, stable };
}

/** UUIDv8 (RFC 9562) of sha256 over the parts, each with its length, so that no two run together. */
function frameUuid(frame: FrameIdentity): string {
  const hash = createHash('sha256');
  for (const part of [frame.token, frame.id, frame.timestamp, frame.content]) {
    const bytes = Buffer.from(part, 'utf8');
    hash.update(`${bytes.length}:`).update(bytes);
  }
  const bytes = hash.digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}

const timestampShape = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/** An RFC 5424 timestamp to epoch milliseconds; anything else (also one without a zone) is undefined. */
export function parseTimestamp(text: string): number | undefined {
  if (!timestampShape.test(text)) return undefined;
  const time = Date.parse(text.replace(/(\.\d{3})\d+/, '$1'));
  return Number.isNaN(time) || time < firstTime || time > lastTime ? undefined : time;
}

/** A clock before 2001 (a machine that starts without one) still gives a key that sorts and parses. */
function inRange(time: number): number {
  return Math.min(Math.max(Math.trunc(Number.isFinite(time) ? time : 0), firstTime), lastTime);
}
