import { lossSentenceLength, parseLoss } from './loss.ts';
import type { LossFact } from './record.ts';
import { formatSyslogLine, parseSyslogLine, type SyslogLine } from './syslog-line.ts';

/** Bytes of a frame's body that are no countable syslog line: kept, never dropped. */
export interface FrameFault {
  /** Where they begin in the body. */
  readonly offset: number;
  /** A view into the body, as received. */
  readonly bytes: Uint8Array;
  readonly reason: FaultReason;
}

/**
 * `no-count`: no `<len> ` where a message has to begin. `beyond-end`: the count goes past the end
 * of the body. `wrong-count`: the count ends where no message begins. `not-syslog`: rightly
 * counted, but not a syslog line.
 */
export type FaultReason = 'no-count' | 'beyond-end' | 'wrong-count' | 'not-syslog';

/** One counted message: where it begins in the body (after its count), and its bytes as counted. */
export interface FramedMessage {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface SplitFrame {
  readonly messages: readonly FramedMessage[];
  readonly faults: readonly FrameFault[];
}

export interface ParsedFrame {
  /** In the order of the body, loss lines among them. */
  readonly lines: readonly SyslogLine[];
  /** The losses that lines of this frame tell of. */
  readonly losses: readonly LossFact[];
  readonly faults: readonly FrameFault[];
}

const newline = 0x0a;
const space = 0x20;
const zero = 0x30;
const nine = 0x39;

/**
 * Octet-counted messages of a body: `<len> <msg>`, `len` in bytes, a trailing newline included
 * where there is one; a newline that a sender did not count is passed over. Counts decide and text
 * is never searched for a message, with two exceptions where a count cannot be right: `lossEnd` and
 * `resume`. Each other byte of the body is in a message, in its count or in a fault.
 */
export function splitFrame(body: Uint8Array): SplitFrame {
  const messages: FramedMessage[] = [];
  const faults: FrameFault[] = [];
  const chains = new Chains(body);
  let offset = 0;
  while (offset < body.length) {
    const read = readMessage(body, offset, chains);
    if (read.ok) {
      messages.push({ offset: read.start, bytes: body.subarray(read.start, read.end) });
      offset = pastNewline(body, read.end);
      continue;
    }
    const next = resume(body, offset, chains);
    faults.push({ offset, bytes: body.subarray(offset, next), reason: read.reason });
    offset = next;
  }
  return { messages, faults };
}

/** The lines of a body, the losses they tell of, and what could not be parsed. */
export function parseFrame(body: Uint8Array): ParsedFrame {
  const split = splitFrame(body);
  const faults = [...split.faults];
  const lines: SyslogLine[] = [];
  const losses: LossFact[] = [];
  for (const message of split.messages) {
    const line = parseSyslogLine(message.bytes);
    if (line === undefined) {
      faults.push({ ...message, reason: 'not-syslog' });
      continue;
    }
    lines.push(line);
    const loss = parseLoss(line);
    if (loss !== undefined) losses.push(loss);
  }
  return { lines, losses, faults: faults.sort((a, b) => a.offset - b.offset) };
}

/** A body of these lines, each with a newline at its end as Logplex sends them. */
export function encodeFrame(lines: readonly SyslogLine[]): Uint8Array {
  return Buffer.concat(
    lines.flatMap((line) => {
      const bytes = formatSyslogLine(line);
      return [Buffer.from(`${bytes.length} `, 'latin1'), bytes];
    }),
  );
}

type Read =
  | { readonly ok: true; readonly start: number; readonly end: number }
  | { readonly ok: false; readonly reason: FaultReason };

/** The message at `offset`, or why none can be told from what follows. */
function readMessage(body: Uint8Array, offset: number, chains: Chains): Read {
  const count = readCount(body, offset);
  if (count === undefined) return { ok: false, reason: 'no-count' };
  const { start, end } = count;
  const told = lossEnd(body, start);
  if (told !== undefined && told !== end && chains.endsOrGoesOn(pastNewline(body, told))) {
    return { ok: true, start, end: told };
  }
  if (chains.reachEnd(offset)) return { ok: true, start, end };
  // Something is wrong from here on: is it this message?
  if (end > body.length) return { ok: false, reason: 'beyond-end' };
  if (looksLikeMessage(body, pastNewline(body, end))) return { ok: true, start, end };
  // The next one may be the broken one: this one is whole where it is one line, newline at its end.
  if (body.indexOf(newline, start) === end - 1) return { ok: true, start, end };
  return { ok: false, reason: 'wrong-count' };
}

/** A message begins with a digit: a newline where one has to begin was left out of the count before. */
function pastNewline(body: Uint8Array, end: number): number {
  return body[end] === newline ? end + 1 : end;
}

/**
 * The end of a loss line, told by its grammar: L10 comes without a newline (heroku/logplex#105), and
 * its count may or may not say so.
 */
function lossEnd(body: Uint8Array, start: number): number | undefined {
  const length = lossSentenceLength(body.subarray(start, start + longestLoss));
  return length === undefined ? undefined : start + length;
}

/**
 * Where to go on after bytes that can't be counted: the first place after a newline from which
 * counts lead to the very end of the body; the end where there is none. Senders split at newlines,
 * so no text of a message follows one; and a chain that fits to the byte is not there by chance.
 */
function resume(body: Uint8Array, offset: number, chains: Chains): number {
  for (let at = body.indexOf(newline, offset); at !== -1; at = body.indexOf(newline, at + 1)) {
    if (at + 1 < body.length && chains.reachEnd(at + 1)) return at + 1;
  }
  return body.length;
}

/** Whether counts alone lead from an offset to the end of the body; each offset is walked once. */
class Chains {
  readonly #body: Uint8Array;
  readonly #known = new Map<number, boolean>();

  constructor(body: Uint8Array) {
    this.#body = body;
  }

  endsOrGoesOn(at: number): boolean {
    return at === this.#body.length || this.reachEnd(at);
  }

  reachEnd(from: number): boolean {
    const walked: number[] = [];
    let at = from;
    let reached = this.#known.get(at);
    while (reached === undefined) {
      walked.push(at);
      const count = looksLikeMessage(this.#body, at) ? readCount(this.#body, at) : undefined;
      if (count === undefined || count.end > this.#body.length) reached = false;
      else {
        at = pastNewline(this.#body, count.end);
        reached = at === this.#body.length ? true : this.#known.get(at);
      }
    }
    for (const offset of walked) this.#known.set(offset, reached);
    return reached;
  }
}

interface Count {
  readonly start: number;
  readonly end: number;
}

/** More digits than any body's length has. */
const longestCount = 9;
/** A loss line is some 150 bytes. */
const longestLoss = 512;

/** `<len> ` at `offset`: where its message begins and ends (which may be past the body's end). */
function readCount(body: Uint8Array, offset: number): Count | undefined {
  let at = offset;
  let length = 0;
  for (; at < body.length && at - offset <= longestCount; at++) {
    const byte = body[at] ?? 0;
    if (byte === space) break;
    if (byte < zero || byte > nine) return undefined;
    length = length * 10 + (byte - zero);
  }
  if (at === offset || body[at] !== space || body[offset] === zero) return undefined;
  return { start: at + 1, end: at + 1 + length };
}

/** A count and the beginning of a syslog line: `<len> <pri>1 `. */
function looksLikeMessage(body: Uint8Array, offset: number): boolean {
  const count = readCount(body, offset);
  if (count === undefined) return false;
  const head = Buffer.from(
    body.buffer,
    body.byteOffset + count.start,
    Math.max(0, Math.min(7, body.length - count.start)),
  ).toString('latin1');
  return /^<\d{1,3}>1 /.test(head);
}
