import { createHash, hash } from 'node:crypto';
import { recordIdentity } from '../logplex/identity.ts';
import { fromPostgres } from '../logplex/line-record.ts';
import { parseLoss } from '../logplex/loss.ts';
import type { LogRecord } from '../logplex/record.ts';
import type { SyslogLine } from '../logplex/syslog-line.ts';
import type { TrailFrame } from './read-object.ts';
import { SeenLately } from './seen-lately.ts';

/** Tells what comes a second time, and never takes for that what differs from the first. */
export class Once {
  readonly #frames: SeenLately;
  readonly #records: SeenLately;

  /** What came once is known again for `spanMs` of the keys' time. */
  constructor(spanMs: number) {
    this.#frames = new SeenLately(spanMs);
    this.#records = new SeenLately(spanMs);
  }

  /**
   * The lines of a frame that an earlier one of its name did not bring. A retry renders its loss
   * line anew: a count that has grown is a new loss, the same count is not. Another frame under a
   * used id, which could hide what it holds, `contradicts`, and all of its lines count.
   */
  linesOf(
    frame: TrailFrame,
    keyTime: number,
  ): { readonly lines: readonly SyslogLine[]; readonly contradicts: boolean } {
    const parted = frame.lines.map((line) => ({ line, loss: parseLoss(line) }));
    const own = parted.filter(({ loss }) => loss === undefined).map(({ line }) => line);
    const content = contentHash(frame, own);
    const name = frameName(frame, own, content);
    if (name === undefined) return { lines: frame.lines, contradicts: false };
    const newName = this.#frames.add(name, keyTime);
    const newContent = this.#frames.add(`${name} ${content}`, keyTime);
    const lines = parted.filter(({ loss }) =>
      loss === undefined
        ? newContent
        : this.#frames.add(`${name} ${loss.code} ${loss.since} ${loss.count}`, keyTime),
    );
    return { lines: lines.map(({ line }) => line), contradicts: newContent && !newName };
  }

  /**
   * False for a record that was there already, text and all. One without session and number is
   * always new; so is one that shares both with another and reads otherwise.
   */
  isNew(record: LogRecord, keyTime: number): boolean {
    const identity = recordIdentity(record);
    if (identity === undefined) return true;
    const text = [identity, record.message, record.detail, record.statement].join('\0');
    return this.#records.add(shortName(hash('sha256', text, 'buffer')), keyTime);
  }
}

/**
 * What names a frame: its drain and id. One without an id (Shield's) is named by what it holds, if a
 * line of Postgres is in it: that has a number of its own and never comes twice by itself.
 */
function frameName(
  frame: TrailFrame,
  own: readonly SyslogLine[],
  content: string,
): string | undefined {
  if (frame.meta?.id !== undefined) return JSON.stringify([frame.meta.token, frame.meta.id]);
  return own.some(fromPostgres) ? content : undefined;
}

/** Of all that a retry repeats. */
function contentHash(frame: TrailFrame, own: readonly SyslogLine[]): string {
  const digest = createHash('sha256');
  const pieces = [
    ...own.flatMap(({ timestamp, procid, message }) => [
      Buffer.from(`${timestamp} ${procid}`),
      message,
    ]),
    ...frame.faults.map(({ bytes }) => bytes),
  ];
  for (const piece of pieces) digest.update(`${piece.length}:`).update(piece);
  return shortName(digest.digest());
}

/**
 * 128 bits of a digest, which is enough that two never meet, by chance or by design: that would hide
 * a line. A character a byte: there may be millions of them at once.
 */
function shortName(digest: Buffer): string {
  return digest.toString('latin1', 0, 16);
}
