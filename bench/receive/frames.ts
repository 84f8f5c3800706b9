import { createHash } from 'node:crypto';
import { encodeFrame } from '../../src/logplex/frame.ts';
import { randomFrom } from '../../test/rig/random.ts';

/** A body that a load sends again and again, under another id each time. */
export interface LoadFrame {
  readonly body: Uint8Array;
  readonly lines: number;
  /** sha256, in hex, of the body. */
  readonly digest: string;
}

/** Bytes of one line in a frame, its count included. */
export const lineBytes = 300;
/** What Logplex aims at: 102,400 bytes, and the line that goes over it. */
export const drainFrameBytes = 104_000;
/** A batch of a Shield space. */
export const spaceFrameBytes = 5_000_000;

const words =
  'order user invoice payment status shipped pending email address city total amount currency note token session created updated customer product quantity price discount'.split(
    ' ',
  );

/**
 * `count` lines of Heroku Postgres (the essential tiers' prefix) of 300 bytes each, in frames: statements
 * with values that differ from line to line, so that they compress about as real ones do (5 to 6 times).
 */
export function makeLines(count: number, seed: number, now: number): Uint8Array[] {
  const pick = randomFrom(seed);
  return Array.from({ length: count }, (_, at) => {
    const hex = pick(2 ** 32).toString(16);
    const word = () => words[pick(words.length)] ?? '';
    const text = `[YELLOW] [${at + 1}-1]  database = d4kq7f1o2m3n connection_source = 10.1.${pick(4)}.${pick(250)}(${30_000 + pick(9_000)}) sql_error_code = 00000 LOG:  statement: UPDATE ${word()}s SET ${word()} = '${word()} ${hex}', updated_at = now(), ${word()} = ${pick(100_000)} WHERE ${word()}_id = ${pick(1_000_000)}`;
    const framed = (message: string) =>
      encodeFrame([
        {
          pri: 134,
          timestamp: new Date(now + at).toISOString().replace(/\.\d+Z$/, '+00:00'),
          host: 'host',
          app: 'app',
          procid: `postgres.${1_000 + pick(20)}`,
          msgid: '-',
          message: Buffer.from(message),
        },
      ]);
    const room = lineBytes - framed(text).length;
    return framed(room < 0 ? text.slice(0, room) : text.padEnd(text.length + room, ` ${hex}`));
  });
}

/** `count` frames of about `bytes` bytes each, none like another. */
export function makeFrames(count: number, bytes: number, seed: number, now: number): LoadFrame[] {
  const perFrame = Math.round(bytes / lineBytes);
  return Array.from({ length: count }, (_, at) => {
    const body = Buffer.concat(makeLines(perFrame, seed + at, now));
    return { body, lines: perFrame, digest: digestOf(body) };
  });
}

export function digestOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}
