import type { PutOutcome, Sink } from '../sink/sink.ts';

export type PutResult = {
  /** Puts that were begun. */
  readonly tries: number;
  /** Resolves once none of them runs any more: only then is the object's memory free. */
  readonly settled: Promise<unknown>;
} & (
  | { readonly ok: true; readonly outcome: PutOutcome }
  /** `error` is the last one, undefined where every put was still running. */
  | { readonly ok: false; readonly error?: unknown }
);

const firstPauseMs = 50;
const longestPauseMs = 500;
/** A put without an answer for so long may hang: another one is begun beside it. */
const hangsAfterMs = 1_500;
const mostAtOnce = 3;

type Ended = { readonly outcome: PutOutcome } | { readonly error: unknown };

/**
 * Puts one object, again and again until one put succeeds or `withinMs` have passed. Every put has
 * the same key and the sink overwrites nothing, so an earlier one that persisted without saying so
 * makes a later one find 'exists': both mean that the object is durable.
 */
export async function putWithin(
  sink: Sink,
  key: string,
  body: Uint8Array,
  withinMs: number,
): Promise<PutResult> {
  const end = performance.now() + withinMs;
  const stop = new AbortController();
  const attempts: Promise<void>[] = [];
  const ended: Ended[] = [];
  let running = 0;
  let wake: () => void = () => undefined;
  let pauseMs = firstPauseMs;
  let nextAt = performance.now();
  let last: { error: unknown } | undefined;

  const result = await untilStored();
  stop.abort();
  return { ...result, tries: attempts.length, settled: Promise.all(attempts) };

  async function untilStored() {
    for (let now = performance.now(); now < end; now = performance.now()) {
      if (now >= nextAt && running < mostAtOnce) {
        attempts.push(attempt());
        nextAt = now + hangsAfterMs;
      }
      await endedOr(running < mostAtOnce ? Math.min(nextAt, end) : end);
      for (const one of ended.splice(0)) {
        if ('outcome' in one) return { ok: true, outcome: one.outcome } as const;
        last = one;
        nextAt = Math.min(nextAt, performance.now() + pauseMs);
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      }
    }
    return { ok: false, ...last } as const;
  }

  async function attempt(): Promise<void> {
    running += 1;
    try {
      ended.push({ outcome: await sink.put(key, body, { signal: stop.signal }) });
    } catch (error) {
      ended.push({ error });
    }
    running -= 1;
    wake();
  }

  /** Until a put has ended, or the time `at` of `performance.now`. */
  function endedOr(at: number): Promise<void> {
    if (ended.length > 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, at - performance.now()));
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
