import type { LoadResult } from './load-job.ts';
import { type Bench, runScenario } from './scenario.ts';

/** What one drain carries before it drops lines (L10). */
export interface DrainCapacity {
  readonly rttMs: number;
  /** The highest rate at which the drain's buffer dropped nothing. */
  readonly linesPerSecond: number;
  /** At that rate, the way included. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Rates closer than this are one. */
const nearEnough = 1.06;
/** Where the search begins: a request of 341 lines in so many milliseconds besides the way. */
const firstGuessMs = 8;
const linesPerRequest = 341;

/**
 * Looks for the highest rate of lines of 300 bytes that one drain of Logplex takes to the receiver without
 * dropping any, with `rttMs` added to each request; each rate runs for `seconds` on a receiver of its own.
 */
export async function drainCapacity(
  bench: Bench,
  rttMs: number,
  seconds: number,
): Promise<DrainCapacity> {
  let held: { rate: number; load: LoadResult } | undefined;
  let failed: number | undefined;
  let rate = (linesPerRequest * 1_000) / (rttMs + firstGuessMs);
  while (held === undefined || failed === undefined || failed / held.rate > nearEnough) {
    const { load } = await runScenario(bench, {
      kind: 'drain',
      linesPerSecond: Math.round(rate),
      rttMs,
      seconds,
    });
    if (load.dropped === 0) held = { rate, load };
    else failed = rate;
    if (held === undefined && rate < 50) throw new Error('one drain carries nothing at all');
    if (failed === undefined) rate *= 1.3;
    else rate = held === undefined ? rate / 1.3 : Math.sqrt(held.rate * failed);
  }
  const { answerMs } = held.load;
  const at = (part: number) => answerMs[Math.floor((answerMs.length - 1) * part)] ?? 0;
  return { rttMs, linesPerSecond: Math.round(held.rate), p50Ms: at(0.5), p99Ms: at(0.99) };
}
