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

/** A message or a fault, and all the bytes that belong to it: the next part begins at `until`. */
export type FramePart = {
  readonly from: number;
  /** Behind the message, and behind a newline that its sender did not count. */
  readonly until: number;
} & (
  | { readonly kind: 'message'; readonly message: FramedMessage }
  | { readonly kind: 'fault'; readonly fault: FrameFault }
);

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
const one = 0x31;
const nine = 0x39;
const lessThan = 0x3c;
const greaterThan = 0x3e;

/**
 * Octet-counted messages of a body: `<len> <msg>`, `len` in bytes, a trailing newline included
 * where there is one; a newline that a sender did not count is passed over. Counts decide and text
 * is never searched for a message, with two exceptions where a count cannot be right: `LossEnds` and
 * `resume`. The parts follow each other without a gap, from the body's first byte to its last. They
 * come one at a time, so that a body of a million tiny lines needs no memory for each.
 */
export function* walkFrame(body: Uint8Array): Generator<FramePart> {
  const chains = new Chains(body);
  const losses = new LossEnds(body);
  let from = 0;
  while (from < body.length) {
    const read = readMessage(body, from, chains, losses);
    if (read.ok) {
      const { start, end } = read;
      const until = pastNewline(body, end);
      const message = { offset: start, bytes: body.subarray(start, end) };
      yield { kind: 'message', from, until, message };
      from = until;
    } else {
      const until = resume(body, from, chains);
      const fault = { offset: from, bytes: body.subarray(from, until), reason: read.reason };
      yield { kind: 'fault', from, until, fault };
      from = until;
    }
  }
}

/** All parts of a body at once. */
export function splitFrame(body: Uint8Array): SplitFrame {
  const messages: FramedMessage[] = [];
  const faults: FrameFault[] = [];
  for (const part of walkFrame(body)) {
    if (part.kind === 'message') messages.push(part.message);
    else faults.push(part.fault);
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
function readMessage(body: Uint8Array, offset: number, chains: Chains, losses: LossEnds): Read {
  const count = readCount(body, offset);
  if (count === undefined) return { ok: false, reason: 'no-count' };
  const { start, end } = count;
  const told = losses.endFrom(start);
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
class LossEnds {
  readonly #body: Buffer;
  /** The next place of the words that each loss line has: where none is near, nothing is parsed. */
  #words = -1;

  constructor(body: Uint8Array) {
    this.#body = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  }

  /** Of a loss line at `start`, which never goes back; undefined where there is none. */
  endFrom(start: number): number | undefined {
    if (this.#words < start) {
      const found = this.#body.indexOf(lossWords, start, 'latin1');
      this.#words = found === -1 ? Number.POSITIVE_INFINITY : found;
    }
    const most = start + longestLoss;
    if (this.#words >= most) return undefined;
    const length = lossSentenceLength(this.#body.subarray(start, most));
    return length === undefined ? undefined : start + length;
  }
}

/**
 * Where to go on after bytes that can't be counted: the first place after a newline from which
 * counts lead to the very end of the body; the end where there is none. Senders split at newlines,
 * so no text of a message follows one; and a chain that fits to the byte is not there by chance.
 */
function resume(body: Uint8Array, offset: number, chains: Chains): number {
  for (let at = offset; at + 1 < body.length; at++) {
    if (body[at] === newline && chains.reachEnd(at + 1)) return at + 1;
  }
  return body.length;
}

/** Whether counts alone lead from an offset to the end of the body; each offset is walked once. */
class Chains {
  readonly #body: Uint8Array;
  /** Two bits an offset: what is known of it. A Map would cost a hundred times that. */
  readonly #known: Uint8Array;

  constructor(body: Uint8Array) {
    this.#body = body;
    this.#known = new Uint8Array((body.length >> 2) + 1);
  }

  endsOrGoesOn(at: number): boolean {
    return at === this.#body.length || this.reachEnd(at);
  }

  reachEnd(from: number): boolean {
    let answer = this.#get(from);
    for (let at = from; answer === unknown; ) {
      const next = this.#next(at);
      if (next === undefined) answer = no;
      else {
        at = next;
        answer = at === this.#body.length ? yes : this.#get(at);
      }
    }
    let at: number | undefined = from;
    while (at !== undefined && at < this.#body.length && this.#get(at) === unknown) {
      this.#known[at >> 2] = (this.#known[at >> 2] ?? 0) | (answer << ((at & 3) * 2));
      at = this.#next(at);
    }
    return answer === yes;
  }

  #get(at: number): number {
    return ((this.#known[at >> 2] ?? 0) >> ((at & 3) * 2)) & 3;
  }

  /** Behind the message that a count at `at` frames. */
  #next(at: number): number | undefined {
    const count = readCount(this.#body, at);
    if (count === undefined || count.end > this.#body.length) return undefined;
    return beginsMessage(this.#body, count.start) ? pastNewline(this.#body, count.end) : undefined;
  }
}

const unknown = 0;
const no = 1;
const yes = 2;

interface Count {
  readonly start: number;
  readonly end: number;
}

/** More digits than any body's length has. */
const longestCount = 9;
/** A loss line is some 150 bytes. */
const longestLoss = 512;
const lossWords = 'Error L1';

/** `<len> ` at `offset`: where its message begins and ends (which may be past the body's end). */
function readCount(body: Uint8Array, offset: number): Count | undefined {
  let at = offset;
  let length = 0;
  for (; at < body.length && at - offset <= longestCount; at++) {
    const byte = body[at] ?? 0;
    if (byte === space) break;
    if (!isDigit(byte)) return undefined;
    length = length * 10 + (byte - zero);
  }
  if (at === offset || body[at] !== space || body[offset] === zero) return undefined;
  return { start: at + 1, end: at + 1 + length };
}

/** A count and the beginning of a syslog line: `<len> <pri>1 `. */
function looksLikeMessage(body: Uint8Array, offset: number): boolean {
  const count = readCount(body, offset);
  return count !== undefined && beginsMessage(body, count.start);
}

/** `<pri>1 ` at `start`, its number of one to three digits. */
function beginsMessage(body: Uint8Array, start: number): boolean {
  if (body[start] !== lessThan) return false;
  let at = start + 1;
  while (at < start + 4 && isDigit(body[at])) at += 1;
  const closed = at > start + 1 && body[at] === greaterThan;
  return closed && body[at + 1] === one && body[at + 2] === space;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= nine;
}
