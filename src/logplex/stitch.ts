import { createHash } from 'node:crypto';
import { type JsonChunk, parseJsonChunk } from './json-chunk.ts';
import { brokenJsonRecord, jsonLogRecord } from './json-log.ts';
import { fromPostgres, lossRecord, otherRecord } from './line-record.ts';
import { parseLoss } from './loss.ts';
import { type PostgresChunk, parsePostgresChunk } from './postgres-line.ts';
import { postgresRecord } from './postgres-message.ts';
import type { LogRecord } from './record.ts';
import type { SyslogLine } from './syslog-line.ts';

/** A record, and where each of its lines came from: what was pushed with them, each once. */
export interface Stitched<O> {
  readonly record: LogRecord;
  readonly origins: readonly O[];
}

export interface StitchLimits {
  /**
   * A message is done when this many lines came since its last chunk: `[N-M]` does not say how many
   * chunks follow, and lines come out of order, across frames too.
   */
  readonly settleLines: number;
  /** Bytes held of messages not done yet; beyond it the oldest are given out as they are. */
  readonly maxBytes: number;
}

/** Chunks in, records out. Holds state; give it lines of one app's drain in the order they came. */
export interface Stitcher<O> {
  /** The records that this line completes: none, its own, or older ones that it shows to be done. */
  push(line: SyslogLine, origin: O): Stitched<O>[];
  /**
   * Gives out what is held: all of it, or with `quietSince` (epoch ms) the messages whose newest
   * line is older. A message lacking chunks comes out with `complete: false`; nothing is dropped.
   */
  flush(options?: { readonly quietSince?: number }): Stitched<O>[];
}

const defaultLimits: StitchLimits = { settleLines: 20_000, maxBytes: 64 * 1024 * 1024 };
/** Messages held under one key at once: beyond it, as hostile input can have it, the oldest goes. */
const mostRivals = 8;
/** What a held chunk or origin costs besides its bytes, roughly. */
const overhead = 100;

interface Group<O> {
  readonly key: string;
  readonly form: 'postgres' | 'json';
  /** For json: what the chunks call their line, and how many they are. */
  readonly id: string;
  readonly total: number;
  readonly pieces: Map<number, Uint8Array>;
  readonly origins: Set<O>;
  /** The line of the lowest chunk so far. */
  first: { readonly index: number; readonly line: SyslogLine };
  newestMs: number;
  touched: number;
  bytes: number;
  /** Shared by messages held under one key at once: whether a chunk may belong to either. */
  contest: { contested: boolean };
  given: boolean;
}

/** A chunk that came. */
interface Arrival<O> extends Pick<Group<O>, 'key' | 'form' | 'id' | 'total'> {
  readonly line: SyslogLine;
  readonly chunk: { readonly index: number; readonly bytes: Uint8Array };
  readonly origin: O;
}

/** See `Stitcher`. Memory is bounded by `limits`, also against hostile input. */
export function createStitcher<O>(limits: Partial<StitchLimits> = {}): Stitcher<O> {
  return new LineStitcher<O>({ ...defaultLimits, ...limits });
}

class LineStitcher<O> implements Stitcher<O> {
  readonly #limits: StitchLimits;
  /** In the order in which they were last touched. */
  readonly #held = new Set<Group<O>>();
  readonly #byKey = new Map<string, Group<O>[]>();
  #bytes = 0;
  #lines = 0;

  constructor(limits: StitchLimits) {
    this.#limits = limits;
  }

  push(line: SyslogLine, origin: O): Stitched<O>[] {
    this.#lines++;
    const out: Stitched<O>[] = [];
    this.#take(line, origin, out);
    for (const group of this.#held) {
      const settled = group.touched + this.#limits.settleLines < this.#lines;
      if (!settled && this.#bytes <= this.#limits.maxBytes) break;
      this.#close(group, out);
    }
    return out;
  }

  flush(options: { readonly quietSince?: number } = {}): Stitched<O>[] {
    const out: Stitched<O>[] = [];
    for (const group of this.#held) {
      if (group.newestMs < (options.quietSince ?? Number.POSITIVE_INFINITY))
        this.#close(group, out);
    }
    return out;
  }

  #take(line: SyslogLine, origin: O, out: Stitched<O>[]): void {
    const alone = (record: LogRecord) => out.push({ record, origins: [origin] });
    const loss = parseLoss(line);
    if (loss !== undefined) {
      alone(lossRecord(line, loss));
      return;
    }
    if (!fromPostgres(line)) {
      alone(otherRecord(line));
      return;
    }
    if (line.message[0] === openingBrace) {
      alone(jsonLogRecord(line, line.message));
      return;
    }
    const json = parseJsonChunk(line.message);
    if (json !== undefined) {
      this.#addJson(line, json, origin, out);
      return;
    }
    const chunk = parsePostgresChunk(line.message);
    if (chunk === undefined) alone(otherRecord(line));
    else this.#addPostgres(line, chunk, origin, out);
  }

  #addJson(line: SyslogLine, chunk: JsonChunk, origin: O, out: Stitched<O>[]): void {
    const key = JSON.stringify(['json', line.host, line.procid, chunk.id, chunk.total]);
    const whole = { form: 'json' as const, id: chunk.id, total: chunk.total };
    const group = this.#add({ key, ...whole, line, chunk, origin }, out);
    if (group.given || group.pieces.size < chunk.total) return;
    out.push(result(group));
    // Kept for a while as a mark, hashes in place of text: a double of a chunk begins no message anew.
    group.given = true;
    for (const [index, bytes] of group.pieces) group.pieces.set(index, digest(bytes));
    this.#count(group, group.pieces.size * overhead - group.bytes);
  }

  #addPostgres(line: SyslogLine, chunk: PostgresChunk, origin: O, out: Stitched<O>[]): void {
    const key = JSON.stringify(['pg', line.host, line.procid, chunk.colour, chunk.number]);
    this.#add({ key, form: 'postgres', id: '', total: 0, line, chunk, origin }, out);
  }

  #add(given: Arrival<O>, out: Stitched<O>[]): Group<O> {
    const { key, line, chunk, origin } = given;
    const held = this.#byKey.get(key) ?? [];
    const double = held.find((group) => isDouble(group, chunk));
    const lacking = held.filter((group) => !group.pieces.has(chunk.index));
    const group = double ?? lacking.at(-1) ?? this.#open(given, held, out);
    // The number came round again while its last bearer was held (a process id used anew): whose
    // a later chunk is can't be told for sure.
    if (double === undefined && held.length > 1 && chunk.index > 1) group.contest.contested = true;
    if (double === undefined) {
      // A copy: a view would hold the whole frame in memory.
      group.pieces.set(chunk.index, new Uint8Array(chunk.bytes));
      this.#count(group, chunk.bytes.length + overhead);
    }
    if (chunk.index < group.first.index) group.first = { index: chunk.index, line: bare(line) };
    if (!group.origins.has(origin) && !group.given) {
      group.origins.add(origin);
      this.#count(group, overhead);
    }
    group.newestMs = Math.max(group.newestMs, Date.parse(line.timestamp));
    group.touched = this.#lines;
    this.#held.delete(group);
    this.#held.add(group);
    return group;
  }

  #open(given: Arrival<O>, held: readonly Group<O>[], out: Stitched<O>[]): Group<O> {
    const oldest = held.length < mostRivals ? undefined : held[0];
    if (oldest !== undefined) this.#close(oldest, out);
    const contest = held.at(-1)?.contest ?? { contested: false };
    if (held.some((group) => group.pieces.size > 1)) contest.contested = true;
    const group: Group<O> = {
      key: given.key,
      form: given.form,
      id: given.id,
      total: given.total,
      pieces: new Map(),
      origins: new Set(),
      first: { index: given.chunk.index, line: bare(given.line) },
      newestMs: Number.NEGATIVE_INFINITY,
      touched: this.#lines,
      bytes: 0,
      contest,
      given: false,
    };
    this.#byKey.set(given.key, [...held.filter((other) => other !== oldest), group]);
    this.#held.add(group);
    return group;
  }

  #close(group: Group<O>, out: Stitched<O>[]): void {
    this.#held.delete(group);
    this.#bytes -= group.bytes;
    const rest = (this.#byKey.get(group.key) ?? []).filter((other) => other !== group);
    if (rest.length === 0) this.#byKey.delete(group.key);
    else this.#byKey.set(group.key, rest);
    if (!group.given) out.push(result(group));
  }

  #count(group: Group<O>, bytes: number): void {
    group.bytes += bytes;
    this.#bytes += bytes;
  }
}

const openingBrace = 0x7b;

function isDouble<O>(group: Group<O>, chunk: { index: number; bytes: Uint8Array }): boolean {
  const known = group.pieces.get(chunk.index);
  if (known === undefined) return false;
  return Buffer.compare(known, group.given ? digest(chunk.bytes) : chunk.bytes) === 0;
}

function digest(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

/** The line's header alone. */
function bare(line: SyslogLine): SyslogLine {
  return { ...line, message: new Uint8Array() };
}

function result<O>(group: Group<O>): Stitched<O> {
  const pieces = [...group.pieces]
    .map(([index, bytes]) => ({ index, bytes }))
    .sort((a, b) => a.index - b.index);
  const { line } = group.first;
  if (group.form === 'postgres') {
    const record = postgresRecord(line, pieces, group.contest.contested);
    return { record, origins: [...group.origins] };
  }
  const gap = pieces.findIndex((piece, index) => piece.index !== index + 1);
  const until = gap === -1 ? pieces.length : gap;
  const [head, rest] = [pieces.slice(0, until), pieces.slice(until)].map((part) =>
    Buffer.concat(part.map((piece) => piece.bytes)),
  ) as [Buffer, Buffer];
  const whole = until === group.total;
  const record = whole ? jsonLogRecord(line, head) : brokenJsonRecord(line, group.id, head, rest);
  return { record, origins: [...group.origins] };
}
