import { PgwitnessError } from '../error.ts';
import type { PutOutcome, Sink } from '../sink/sink.ts';

export type PutResult = {
  /** Puts that were begun. */
  readonly tries: number;
  /** The object's, or the last one that was tried. */
  readonly key: string;
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

type Ended = { readonly key: string; readonly outcome: PutOutcome } | { readonly error: unknown };

/**
 * Puts one object, again and again until one put succeeds or `withinMs` have passed. Every put has
 * the same key and the sink overwrites nothing, so an earlier one that persisted without saying so
 * makes a later one find 'exists': both mean that the object is durable.
 *
 * `name` gives the key. Where it gives another one each time, keys that nobody else can know, only an
 * earlier try takes one: a store that finds the first one's taken keeps nothing, and the object is put
 * under another.
 */
export async function putWithin(
  sink: Sink,
  name: string | (() => string),
  body: Uint8Array,
  withinMs: number,
): Promise<PutResult> {
  const end = performance.now() + withinMs;
  const stop = new AbortController();
  const attempts: Promise<void>[] = [];
  const ended: Ended[] = [];
  const newKey = typeof name === 'string' ? undefined : name;
  let key = typeof name === 'string' ? name : name();
  let triesOfKey = 0;
  let running = 0;
  let wake: () => void = () => undefined;
  let pauseMs = firstPauseMs;
  let nextAt = performance.now();
  let last: { error: unknown } | undefined;

  const result = await untilStored();
  stop.abort();
  return { key, ...result, tries: attempts.length, settled: Promise.all(attempts) };

  async function untilStored() {
    for (let now = performance.now(); now < end; now = performance.now()) {
      if (now >= nextAt && running < mostAtOnce) {
        attempts.push(attempt());
        nextAt = now + hangsAfterMs;
      }
      await endedOr(running < mostAtOnce ? Math.min(nextAt, end) : end);
      for (const one of ended.splice(0)) {
        if ('outcome' in one) return { ok: true, ...one } as const;
        last = one;
        nextAt = Math.min(nextAt, performance.now() + pauseMs);
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      }
    }
    return { ok: false, ...last } as const;
  }

  async function attempt(): Promise<void> {
    running += 1;
    triesOfKey += 1;
    const own = key;
    try {
      const outcome = await sink.put(own, body, { signal: stop.signal });
      if (newKey !== undefined && outcome === 'exists' && own === key && triesOfKey === 1) {
        key = newKey();
        triesOfKey = 0;
        ended.push({ error: keyTaken(sink) });
      } else ended.push({ key: own, outcome });
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

function keyTaken(sink: Sink): PgwitnessError {
  return new PgwitnessError({
    code: 'receive.key-taken',
    message: `${sink.description} says of a new random key that it is taken.`,
    fix: 'Look at what stands between here and the store: it keeps nothing of what it answers so.',
    exit: 3,
  });
}
