import { setTimeout as sleep } from 'node:timers/promises';
import { PgwitnessError } from '../error.ts';
import { databaseFailure, isTransient } from './server-error.ts';

/** How someone hears of a lock that is waited for, and ends the waiting. */
export interface BaselinePatience {
  readonly signal?: AbortSignal;
  /** A lock was not to be had; it is tried again in a moment. */
  readonly onRetry?: (attempt: number, attempts: number) => void;
}

/** A lock that can't be had in its time is asked for this often: half a minute and more. */
const attempts = 30;
const pauseMs = 1_000;

/**
 * Tries again what a lock kept from being done. Nobody else waits meanwhile: in between nothing is held.
 * Throws `capture.locked` in the end, and what the server refuses for good at once.
 */
export async function patiently<T>(
  what: string,
  { signal, onRetry }: BaselinePatience,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isTransient(error)) throw databaseFailure(error, what);
      if (attempt >= attempts || signal?.aborted === true) {
        throw new PgwitnessError({
          code: 'capture.locked',
          message: `A lock could not be had in ${attempt} ${attempt === 1 ? 'try' : 'tries'} while ${what}: ${(error as Error).message}. What was done until then stays.`,
          fix: 'Let the transaction end that holds the table, and run it again: it goes on from there.',
          exit: 1,
          cause: error,
        });
      }
      onRetry?.(attempt, attempts);
      await wait(pauseMs, signal);
    }
  }
}

/** Waits, but not beyond the signal. */
export async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (ms <= 0) return;
  // Cut short by the signal, which the next look at it tells.
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}
