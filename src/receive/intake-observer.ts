import type { PutOutcome } from '../sink/sink.ts';
import type { Caller } from './access-list.ts';
import type { DescribedFrame } from './describe-frame.ts';

/** Why an authenticated frame was answered 503. */
export type Unavailable = 'busy' | 'too-large' | 'late' | 'cut' | 'sink' | 'internal';

/** A frame that is durable and acknowledged. */
export interface StoredFrameReport {
  readonly caller: Caller;
  /** Of the object that holds it. */
  readonly key: string;
  /** `exists`: a retry of one that was stored before. */
  readonly outcome: PutOutcome;
  readonly frame: DescribedFrame;
  /** As received: nothing says that it is a token's shape. */
  readonly token: string | null;
  /** Unpacked, as received. */
  readonly bytes: number;
  /** Epoch milliseconds. */
  readonly arrivedAt: number;
  /** From the request's headers to the sink's word. */
  readonly seconds: number;
}

/** An object that the sink has, or that was given up. */
export interface PutReport {
  readonly prefix: string;
  readonly key: string;
  readonly frames: number;
  /** Packed. */
  readonly bytes: number;
  /** Puts that were begun. */
  readonly tries: number;
  /** From the first put's beginning. */
  readonly seconds: number;
  /** How long its first frame waited for others. */
  readonly waitedSeconds: number;
}

/** Code and sentence of an error; of one that nobody expects only where it came from. */
export interface PutFailure extends PutReport {
  readonly code: string;
  readonly error: string;
}

/**
 * Told what becomes of frames. Nothing that it is given may be shown but for names from the
 * configuration, numbers, keys, codes and reasons: tokens are the sender's. What it throws changes no
 * answer.
 */
export interface IntakeObserver {
  stored(report: StoredFrameReport): void;
  unavailable(prefix: string, reason: Unavailable): void;
  /** `address`: of the network, where it is known. */
  refused(reason: 'unauthorized', address?: string): void;
  objectStored(report: PutReport): void;
  putFailed(failure: PutFailure): void;
  /** A request of a caller that used a password which a newer one replaces. */
  oldSecret(prefix: string, user: string): void;
  /** An error that nobody expects; `at` is where it came from, without its message, which may quote a frame. */
  unexpected(prefix: string | undefined, at: string): void;
  /** Another call of this observer's threw. */
  untold(): void;
}

/** The same observer, of which no call throws: a frame is acknowledged whatever becomes of its report. */
export function harmless(observer: IntakeObserver): IntakeObserver {
  const guarded =
    <A extends unknown[]>(call: (...args: A) => void) =>
    (...args: A): void => {
      try {
        call(...args);
      } catch {
        untold();
      }
    };
  const untold = () => {
    try {
      observer.untold();
    } catch {
      // Nobody is left to tell.
      return;
    }
  };
  return {
    stored: guarded((report) => observer.stored(report)),
    unavailable: guarded((prefix, reason) => observer.unavailable(prefix, reason)),
    refused: guarded((reason, address) => observer.refused(reason, address)),
    objectStored: guarded((report) => observer.objectStored(report)),
    putFailed: guarded((failure) => observer.putFailed(failure)),
    oldSecret: guarded((prefix, user) => observer.oldSecret(prefix, user)),
    unexpected: guarded((prefix, at) => observer.unexpected(prefix, at)),
    untold,
  };
}

/**
 * Where an error that nobody expects came from: files and lines, and no more, as its message may quote
 * a frame, and lines of a frame may look like places.
 */
export function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const head = `${error.name}: ${error.message}`;
  const rows = (error.stack ?? '').split('\n').slice(head.split('\n').length);
  const places = rows.map((row) => /^ +at .*?([\w.-]{1,64}:\d{1,7}:\d{1,7})\)?$/.exec(row)?.[1]);
  const known = places.filter((place) => place !== undefined);
  return known.slice(0, 5).join(' < ') || 'unknown';
}
