import { PgwitnessError } from '../error.ts';
import type { PutOutcome, Sink } from '../sink/sink.ts';
import { createFrameNames, type FrameToName } from './frame-key.ts';
import { harmless, type IntakeObserver, type PutReport, placeOf } from './intake-observer.ts';
import { type PutResult, putWithin } from './put-within.ts';

/** A frame ready to be put: its gzip member, and what names it. */
export interface PackedFrame extends FrameToName {
  readonly member: Uint8Array;
}

export type StoreOutcome = {
  /** Resolves once nothing holds the member any more. Never rejects. */
  readonly settled: Promise<unknown>;
} & (
  | { readonly ok: true; readonly key: string; readonly outcome: PutOutcome }
  | { readonly ok: false; readonly reason: 'late' | 'sink' }
);

/** A frame that is being received. */
export interface Coming {
  /** It is ready to be put: nobody waits for it any more. */
  ready(): void;
  /** Its request is answered. Another call does nothing. */
  answered(): void;
}

/** Puts packed frames into objects. */
export interface FrameStore {
  /** Tells that a frame of `prefix` is being received on `connection`. */
  coming(prefix: string, connection?: object): Coming;
  /**
   * Resolves ok once an object with the frame is durable, and not before; else at `deadline`, in
   * milliseconds of `performance.now`. Never rejects.
   */
  store(frame: PackedFrame, deadline: number, coming: Coming): Promise<StoreOutcome>;
}

/**
 * One frame, one object: for where each frame may have a process of its own. A frame with an id has a
 * key that its retries derive too.
 */
export function createSingleStore(sink: Sink, observer: IntakeObserver): FrameStore {
  const nameOf = createFrameNames();
  const told = harmless(observer);
  const nobody: Coming = { ready: () => undefined, answered: () => undefined };
  return {
    coming: () => nobody,
    async store(frame, deadline) {
      const started = performance.now();
      // Not the sink's fault: the work came to its end too late for a put.
      if (started >= deadline) return { ok: false, reason: 'late', settled: Promise.resolve() };
      const name = hasId(frame) ? nameOf(frame) : () => nameOf(frame);
      const put = await putWithin(sink, name, frame.member, deadline - started);
      const reason = tellPut(told, put, {
        prefix: frame.prefix,
        key: put.key,
        withinMs: deadline - started,
        frames: 1,
        bytes: frame.member.length,
        tries: put.tries,
        seconds: (performance.now() - started) / 1000,
        waitedSeconds: 0,
      });
      const { settled } = put;
      return put.ok
        ? { ok: true, key: put.key, outcome: put.outcome, settled }
        : { ok: false, reason, settled };
    },
  };
}

/** Whether a retry of the frame finds the key of its first try. */
export function hasId({ id }: FrameToName): boolean {
  return id !== null && id !== '';
}

/**
 * Tells of an object that was put, or given up, and says why it was not stored. `withinMs`: what there
 * was for it. A put that was cut off before a sound sink has to be done says nothing of the sink: its
 * frame came to it late.
 */
export function tellPut(
  observer: IntakeObserver,
  put: PutResult,
  { withinMs, ...report }: PutReport & { readonly withinMs: number },
): 'late' | 'sink' {
  if (put.ok) observer.objectStored(report);
  else if (put.error === undefined && withinMs < soundPutMs) return 'late';
  else observer.putFailed({ ...report, ...reasonOf(put.error) });
  return 'sink';
}

/** Longer than any put that goes well takes. */
const soundPutMs = 1_000;

function reasonOf(error: unknown): { readonly code: string; readonly error: string } {
  if (error === undefined) return { code: 'receive.put-hangs', error: 'no put ended in time' };
  if (error instanceof PgwitnessError) return { code: error.code, error: error.message };
  return { code: 'internal', error: placeOf(error) };
}
