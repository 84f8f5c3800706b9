import { setTimeout as sleep } from 'node:timers/promises';
import { PgwitnessError } from '../error.ts';
import type { Drain, Frame, PostOutcome } from './drain.ts';

/** All in milliseconds. */
export interface DeliveryTiming {
  /** Wait before the second try; doubled at each further one, up to `slowest`. */
  readonly retry: number;
  readonly slowest: number;
  /** Wait between tries that are refused: only someone's hand will change the answer. */
  readonly refused: number;
  /** How long tries go on; undefined for ever. A refusal ends them at once where it is set. */
  readonly patience: number | undefined;
  /** What a request in flight gets after `signal`. */
  readonly grace: number;
}

type Trouble = Exclude<PostOutcome, { kind: 'stored' }>;

export type Delivery =
  | { readonly kind: 'stored'; readonly tries: number }
  /** `signal` ended it. */
  | { readonly kind: 'stopped' }
  /** `patience` is out. */
  | { readonly kind: 'gave-up'; readonly trouble: Trouble };

/**
 * Posts `frame` until it is stored. A refusal is tried again too: whoever answers 4xx is no receiver of
 * ours or has the wrong password, and the log has to wait until that is put right.
 */
export async function deliver(
  drain: Drain,
  frame: Frame,
  timing: DeliveryTiming,
  signal: AbortSignal,
  onTrouble: (trouble: Trouble, tries: number) => void,
): Promise<Delivery> {
  const hard = new AbortController();
  let grace: NodeJS.Timeout | undefined;
  const stopping = () => {
    grace = setTimeout(() => hard.abort(), timing.grace);
  };
  signal.addEventListener('abort', stopping, { once: true });
  const began = performance.now();
  try {
    for (let tries = 1, wait = timing.retry; ; tries++) {
      const outcome = await drain.post(frame, hard.signal);
      if (outcome.kind === 'stored') return { kind: 'stored', tries };
      if (signal.aborted) return { kind: 'stopped' };
      onTrouble(outcome, tries);
      if (timing.patience !== undefined) {
        if (outcome.kind === 'refused' || performance.now() - began > timing.patience) {
          return { kind: 'gave-up', trouble: outcome };
        }
      }
      const pause = outcome.kind === 'refused' ? timing.refused : (outcome.retryAfterMs ?? wait);
      wait = Math.min(wait * 2, timing.slowest);
      await pauseFor(pause, signal);
      if (signal.aborted) return { kind: 'stopped' };
    }
  } finally {
    clearTimeout(grace);
    signal.removeEventListener('abort', stopping);
  }
}

async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** The error after a delivery that gave up, exit 3; `unsent` in bytes of the log. */
export function gaveUp(place: string, outcome: Trouble, unsent: number): PgwitnessError {
  const left = `${outcome.why}; ${unsent} bytes of the log stay unsent`;
  return outcome.kind === 'refused'
    ? new PgwitnessError({
        code: 'ship.drain-refused',
        message: `${place} refuses the log: ${left}.`,
        fix: 'Check the drain URL, its user and password. Nothing is lost: the next run begins with this frame.',
        exit: 3,
      })
    : new PgwitnessError({
        code: 'ship.drain-unavailable',
        message: `${place} does not take the log: ${left}.`,
        fix: 'See that the receiver runs and can store. Nothing is lost: the next run begins with this frame.',
        exit: 3,
      });
}
