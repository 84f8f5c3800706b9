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
      const key = nameOf(frame);
      const put = await putWithin(sink, key, frame.member, deadline - started);
      tellPut(told, put, {
        prefix: frame.prefix,
        key,
        frames: 1,
        bytes: frame.member.length,
        tries: put.tries,
        seconds: (performance.now() - started) / 1000,
        waitedSeconds: 0,
      });
      const { settled } = put;
      return put.ok
        ? { ok: true, key, outcome: put.outcome, settled }
        : { ok: false, reason: 'sink', settled };
    },
  };
}

/** Tells of an object that was put, or given up. */
export function tellPut(observer: IntakeObserver, put: PutResult, report: PutReport): void {
  if (put.ok) observer.objectStored(report);
  else observer.putFailed({ ...report, ...reasonOf(put.error) });
}

function reasonOf(error: unknown): { readonly code: string; readonly error: string } {
  if (error === undefined) return { code: 'receive.put-hangs', error: 'no put ended in time' };
  if (error instanceof PgwitnessError) return { code: error.code, error: error.message };
  return { code: 'internal', error: placeOf(error) };
}
