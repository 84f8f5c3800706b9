import type { FileHandle } from 'node:fs/promises';
import { formatJsonChunk, splitJsonLine } from '../logplex/json-chunk.ts';
import type { SyslogLine } from '../logplex/syslog-line.ts';
import {
  headBytes,
  type LogHead,
  lineStart,
  offsetAtEnd,
  parseLogHead,
  sha256,
  splitTorn,
  timeOf,
} from './log-line.ts';
import type { KnownFile, LongLine, Span, SpanContext } from './state.ts';

/** What Logplex aims at for one request. */
const targetBytes = 102_400;
/** Logplex cuts longer messages off into several. */
const longestMessage = 10_000;
/** `<len> <134>1 <time> host app postgres.<pid> - ` and the newline, rounded up. */
const headerBytes = 100;
/** Bytes of a long line in one chunk: with its head it stays below `longestMessage`. */
const chunkBytes = 9_800;
const chunksPerFrame = Math.floor(targetBytes / (chunkBytes + 2 * headerBytes));
/** Zeros before the first line are skipped so far; behind more of them, nobody wrote a log. */
const mostEmpty = 64 * 1024 * 1024;
const newline = 0x0a;
/** local0.info, as Logplex marks what Postgres writes. */
const priority = 134;

/**
 * The next span of `file` to send, as many whole lines as a frame takes, or undefined while there is no
 * whole line. `settled` says that no more will be written: then the stump of a line counts as one.
 * `scan` remembers, between calls, how far a line without an end was looked through.
 */
export async function chooseSpan(
  handle: FileHandle,
  file: Pick<KnownFile, 'offset' | 'longLine'>,
  settled: boolean,
  scan: { start: number; to: number },
): Promise<Span | undefined> {
  const start = file.offset;
  if (file.longLine !== null) return longSpan(start, file.longLine);
  const bytes = await readAt(handle, start, targetBytes);
  if (bytes.length === 0) return undefined;
  let end = 0;
  let cost = 0;
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) {
    cost += at + 1 - end + headerBytes;
    if (end > 0 && cost > targetBytes) break;
    end = at + 1;
  }
  if (end > 0) return { start, end: start + end, longLine: null };
  if (bytes.length < targetBytes) {
    return settled ? { start, end: start + bytes.length, longLine: null } : undefined;
  }
  // A long line may still be being written: what was looked through once is not looked through again.
  if (scan.start !== start || scan.to < start) Object.assign(scan, { start, to: start });
  for (;;) {
    const more = await readAt(handle, scan.to, targetBytes);
    const at = more.indexOf(newline);
    if (at !== -1) return longSpan(start, { start, end: scan.to + at, torn: false });
    scan.to += more.length;
    if (more.length === 0) {
      return settled ? longSpan(start, { start, end: scan.to, torn: true }) : undefined;
    }
  }
}

/** Up to a frame's worth of a long line, cut where chunks begin; the last part takes the newline with it. */
function longSpan(start: number, longLine: LongLine): Span {
  const end = start + chunksPerFrame * chunkBytes;
  if (end < longLine.end) return { start, end, longLine };
  return { start, end: longLine.end + (longLine.torn ? 0 : 1), longLine };
}

/** Where the file stands once `span` is sent. */
export function after(span: Span): Pick<KnownFile, 'offset' | 'longLine'> {
  const inside = span.longLine !== null && span.end < span.longLine.end;
  return { offset: span.end, longLine: inside ? span.longLine : null };
}

/** The lines of a span, and what came to light of the server's clock. */
export interface SpanText {
  readonly lines: readonly SyslogLine[];
  /** Those of the context, and those that the lines gave away. */
  readonly zones: SpanContext['zones'];
  /** Zones of which it is not known how far they are from UTC: lines in them got the time of the line before. */
  readonly unknownZones: readonly string[];
}

/**
 * The lines of `span`. They depend on the bytes of the span and on `context` alone, never on the clock or
 * on what was sent before: sent again after a crash, they are the same. Undefined where the file no
 * longer holds the span.
 */
export async function readSpan(
  handle: FileHandle,
  span: Span,
  context: SpanContext,
): Promise<SpanText | undefined> {
  const { start, longLine } = span;
  const end = longLine === null ? span.end : Math.min(span.end, longLine.end);
  const bytes = await readAt(handle, start, end - start);
  if (bytes.length < end - start) return undefined;
  if (longLine !== null) return longLines(handle, longLine, start, bytes, context);
  const parts: { offset: number; bytes: Uint8Array; head: LogHead }[] = [];
  for (let from = 0; from < bytes.length; ) {
    const at = bytes.indexOf(newline, from);
    const stop = at === -1 ? bytes.length : at;
    for (const part of splitTorn(bytes.subarray(from, stop))) {
      const offset = start + part.byteOffset - bytes.byteOffset;
      if (part.length > 0) parts.push({ offset, bytes: part, head: parseLogHead(part) });
    }
    from = stop + 1;
  }
  const { times, ...clock } = readClock(
    parts.map(({ head }) => head),
    context,
  );
  const lines = parts.flatMap((part, index) =>
    splitJsonLine(part.bytes, longestMessage, fallbackId(context.head, part.offset)).map(
      (message) => syslogLine(times[index] ?? context.latest, part.head, message),
    ),
  );
  return { lines, ...clock };
}

/**
 * As `readSpan`, for a span that was never sent; where lines are in a zone of which nothing tells
 * the offset, the end of the file may. Returns the context that came of it, too.
 */
export async function readNewSpan(
  handle: FileHandle,
  span: Span,
  context: SpanContext,
): Promise<{ readonly text: SpanText | undefined; readonly context: SpanContext }> {
  const text = await readSpan(handle, span, context);
  if (text === undefined || text.unknownZones.length === 0) return { text, context };
  const { size, mtimeMs } = await handle.stat();
  const from = Math.max(0, size - targetBytes);
  const tail = await readAt(handle, from, size - from);
  const last = tail.subarray(Math.max(0, tail.lastIndexOf(lineStart)));
  const found = offsetAtEnd(parseLogHead(last), mtimeMs);
  if (found === undefined) return { text, context };
  const zones: SpanContext['zones'] = [...context.zones, [found.zone, found.minutes]];
  const more = { ...context, zones };
  return { text: await readSpan(handle, span, more), context: more };
}

/** Chunks of a line of any length, of which never more than a frame's worth is in memory. */
async function longLines(
  handle: FileHandle,
  line: LongLine,
  start: number,
  bytes: Buffer,
  context: SpanContext,
): Promise<SpanText> {
  const head = parseLogHead(
    await readAt(handle, line.start, Math.min(headBytes, line.end - line.start)),
  );
  const { times, ...clock } = readClock([head], context);
  const id = head.id ?? fallbackId(context.head, line.start);
  const total = Math.ceil((line.end - line.start) / chunkBytes);
  const first = (start - line.start) / chunkBytes;
  const lines = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, index) =>
    syslogLine(
      times[0] ?? context.latest,
      head,
      formatJsonChunk({
        id,
        index: first + index + 1,
        total,
        bytes: bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes),
      }),
    ),
  );
  return { lines, ...clock };
}

/**
 * When the lines that begin with `heads` were written. One that doesn't tell gets the time of the line
 * before, or where there is none, of the first that tells; none gets a time that lies ahead.
 */
function readClock(
  heads: readonly LogHead[],
  context: SpanContext,
): Omit<SpanText, 'lines'> & { readonly times: readonly string[] } {
  const zones = new Map(context.zones);
  for (const { offset } of heads) if (offset !== undefined) zones.set(offset.zone, offset.minutes);
  const told = heads.map((head) => timeOf(head, zones));
  let time = context.time ?? told.find((known) => known !== undefined) ?? context.latest;
  const times = told.map((known) => {
    time = known ?? time;
    return time;
  });
  const unknown = heads.flatMap(({ wall }, index) =>
    wall !== undefined && told[index] === undefined ? [wall.zone] : [],
  );
  return { times, zones: [...zones], unknownZones: [...new Set(unknown)] };
}

function syslogLine(timestamp: string, head: LogHead, message: Uint8Array): SyslogLine {
  const procid = `postgres.${head.pid ?? 0}`;
  return { pri: priority, timestamp, host: 'host', app: 'app', procid, msgid: '-', message };
}

/** Names a line that has no session and number, the same at every try. */
function fallbackId(head: string, offset: number): string {
  return `${head.slice(0, 16)}:${offset}`;
}

/**
 * What a file begins with: `undefined` while its first line is not whole, `alien` where it is no jsonlog.
 * Zeros before it are what a crash of the machine can make of the blocks written last.
 */
export async function readHead(
  handle: FileHandle,
  settled: boolean,
): Promise<NonNullable<KnownFile['head']> | 'alien' | undefined> {
  let start = 0;
  let block: Buffer;
  do {
    if (start > mostEmpty) return 'alien';
    block = await readAt(handle, start, targetBytes);
    const at = block.findIndex((byte) => byte !== 0);
    start += at === -1 ? block.length : at;
    if (at !== -1) break;
  } while (block.length > 0);
  const bytes = await readAt(handle, start, headBytes);
  if (bytes.length === 0) return settled && start > 0 ? 'alien' : undefined;
  const common = Math.min(bytes.length, lineStart.length);
  if (!bytes.subarray(0, common).equals(lineStart.subarray(0, common))) return 'alien';
  const at = bytes.indexOf(newline);
  if (at === -1 && bytes.length < headBytes && !settled) return undefined;
  const head = at === -1 ? bytes : bytes.subarray(0, at + 1);
  return { start, bytes: head.length, sha256: sha256(head) };
}

/** Whether the file still begins as it did. */
export async function hasHead(
  handle: FileHandle,
  head: NonNullable<KnownFile['head']>,
): Promise<boolean> {
  const bytes = await readAt(handle, head.start, head.bytes);
  return bytes.length === head.bytes && sha256(bytes) === head.sha256;
}

/** `length` bytes from `offset` on, fewer at the end of the file. */
async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
