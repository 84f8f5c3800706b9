import type { LogRecord } from '../logplex/record.ts';
import { createStitcher, type Stitched, type Stitcher } from '../logplex/stitch.ts';
import type { Archive } from '../sink/sink.ts';
import type { TrailFinding } from './finding.ts';
import { listObjects } from './list-objects.ts';
import { Once } from './once.ts';
import { parseObject, type TrailFrame } from './read-object.ts';
import { type Place, TimeOrder } from './time-order.ts';

export interface ScanOptions {
  /** The app's folder below `logs/`. */
  readonly prefix: string;
  /** Records from here on, epoch milliseconds. */
  readonly since: number;
  /** Records before this, epoch milliseconds. */
  readonly until: number;
  /** Records that it refuses are not given, and take no memory. */
  readonly keep?: (record: LogRecord) => boolean;
  /**
   * How long after it was written a line may have been stored (24 h unless given): so far around
   * the span objects are looked at, and so long a frame or record is known again.
   */
  readonly lateMs?: number;
  /** Bytes of records, roughly, that are held back to bring them into order. */
  readonly holdBytes?: number;
  readonly onProgress?: (progress: ScanProgress) => void;
  /**
   * Told of a record that is kept back though its clock must be wrong: it is stamped after the span
   * and arrived before that, or arrived in it and is stamped more than `lateMs` before.
   */
  readonly onStray?: (record: LogRecord) => void;
  readonly signal?: AbortSignal;
}

/** So far. */
export interface ScanProgress {
  readonly objects: number;
  /** Stored bytes read. */
  readonly bytes: number;
  /** Key of the object at hand. */
  readonly key: string;
}

/** A record of the trail, or something in the archive that could not be read. */
export type TrailEntry =
  | {
      readonly type: 'record';
      readonly record: LogRecord;
      /** Keys of the objects that its lines stand in. */
      readonly objects: readonly string[];
      /** Ids of the frames they came in, where they had one. */
      readonly frameIds: readonly string[];
    }
  | { readonly type: 'finding'; readonly finding: TrailFinding };

/** The frame that a line came in. */
interface Origin {
  readonly key: string;
  readonly frameId: string | undefined;
  /** When the receiver took it, or the time in the key where nobody noted that. */
  readonly arrivedAt: number;
}

/** As far as the time in a derived key may lie before the arrival (`keyWindow`). */
const defaultLateMs = 24 * 3_600_000;
const defaultHold = 32 * 1024 * 1024;

/**
 * The records of an archive from `since` to `until`, each once: a frame that stands in two objects
 * is told by its id, a record by session and number, and what has neither can't be told from its
 * double. In time order, as far as `holdBytes` and `lateMs` reach; a record that comes later
 * still is given when it comes. Findings are given where they are met and never end the scan. Throws
 * PgwitnessError where the archive can't be reached or listed. When `signal` aborts it ends.
 */
export async function* scanRecords(
  archive: Archive,
  options: ScanOptions,
): AsyncGenerator<TrailEntry> {
  const lateMs = options.lateMs ?? defaultLateMs;
  const scan = new Scan(options, lateMs);
  let objects = 0;
  let bytes = 0;
  for await (const { object, keyTime, read } of listObjects(archive, { ...options, lateMs })) {
    if (options.signal?.aborted === true) return;
    objects += 1;
    bytes += object.size;
    options.onProgress?.({ objects, bytes, key: object.key });
    yield* scan.before(keyTime);
    if ('finding' in read) {
      yield { type: 'finding', finding: read.finding };
      continue;
    }
    for (const part of parseObject(object.key, read.bytes)) {
      const finding = 'sentence' in part ? part : scan.add(object.key, keyTime, part);
      if (finding !== undefined) yield { type: 'finding', finding };
    }
  }
  if (options.signal?.aborted !== true) yield* scan.rest();
}

/** What a scan holds between objects: messages not whole yet, names seen, records not in order yet. */
class Scan {
  readonly #options: ScanOptions;
  readonly #lateMs: number;
  readonly #stitcher: Stitcher<Origin> = createStitcher();
  readonly #once: Once;
  readonly #order: TimeOrder<TrailEntry>;
  #flushedAt = 0;

  constructor(options: ScanOptions, lateMs: number) {
    this.#options = options;
    this.#lateMs = lateMs;
    // Copies of a line stand in objects up to `lateMs` before it and behind it.
    this.#once = new Once(2 * lateMs + 3_600_000);
    this.#order = new TimeOrder(options.holdBytes ?? defaultHold);
  }

  /** Takes a frame in; a finding where it contradicts one of the same name. */
  add(key: string, keyTime: number, frame: TrailFrame): TrailFinding | undefined {
    const { lines, contradicts } = this.#once.linesOf(frame, keyTime);
    const origin = { key, frameId: frame.meta?.id, arrivedAt: frame.meta?.receivedAt ?? keyTime };
    for (const line of lines) this.#keep(this.#stitcher.push(line, origin), keyTime);
    if (!contradicts) return undefined;
    return {
      code: 'frame-contradicts',
      object: key,
      offset: frame.offset,
      sentence: `${key}, byte ${frame.offset}: the frame ${frame.meta?.id} stands in another object with other lines; those of both are given.`,
    };
  }

  /** What nothing in objects from `keyTime` on can come before, and what is too much to hold. */
  before(keyTime: number): Iterable<TrailEntry> {
    const settled = keyTime - this.#lateMs;
    // Each flush looks at all that is held, so it waits until that has changed a little.
    if (settled >= this.#flushedAt + Math.max(60_000, this.#lateMs / 24)) {
      this.#flushedAt = settled;
      this.#keep(this.#stitcher.flush({ quietSince: settled }), keyTime);
    }
    return this.#order.take(this.#flushedAt);
  }

  rest(): Iterable<TrailEntry> {
    this.#keep(this.#stitcher.flush(), this.#flushedAt + this.#lateMs);
    return this.#order.take(Number.POSITIVE_INFINITY);
  }

  #keep(found: readonly Stitched<Origin>[], keyTime: number): void {
    const { since, until, keep } = this.#options;
    for (const { record, origins } of found) {
      const timeMs = Date.parse(record.time);
      const outside = timeMs < since || timeMs >= until;
      const arrived = origins[0]?.arrivedAt ?? keyTime;
      const early = arrived >= since && timeMs < since - this.#lateMs;
      const ahead = arrived < until && timeMs >= until;
      if (outside && !early && !ahead) continue;
      if (keep !== undefined && !keep(record)) continue;
      if (!this.#once.isNew(record, keyTime)) continue;
      if (outside) {
        this.#options.onStray?.(record);
        continue;
      }
      this.#order.add(placeOf(record), sizeOf(record), {
        type: 'record',
        record,
        objects: [...new Set(origins.map((origin) => origin.key))],
        frameIds: [...new Set(origins.flatMap(({ frameId }) => frameId ?? []))],
      });
      if (!record.complete) {
        const finding = incomplete(record, origins.at(-1)?.key ?? '');
        this.#order.add(placeOf(record), sizeOfFinding, { type: 'finding', finding });
      }
    }
  }
}

const sizeOfFinding = 400;

function incomplete(record: LogRecord, object: string): TrailFinding {
  const name =
    record.session === undefined
      ? `of ${record.procid}`
      : `${record.logLine ?? '?'} of session ${record.session}`;
  return {
    code: 'record-incomplete',
    object,
    sentence: `${object}: the message ${name} is not whole: parts of it never came, or it is longer than can be held; what is missing may be what is asked for.`,
  };
}

/** Where a record stands in the trail. */
export function placeOf(record: LogRecord): Place {
  return {
    timeMs: Date.parse(record.time),
    group: record.session ?? record.procid,
    number: record.logLine ?? 0,
  };
}

/** Bytes that a record takes, roughly: its many short fields cost more than a short text. */
function sizeOf(record: LogRecord): number {
  const texts = [record.message, record.statement, record.detail, record.context, record.hint];
  return texts.reduce((sum, text) => sum + (text?.length ?? 0), 1_600);
}
