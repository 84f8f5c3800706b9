import type { Parameters } from 'fast-check';

/** Set by `npm run soak -- --fuzz MINUTES`: how long, and from where its cases begin. */
const minutes = Number(process.env['PGWITNESS_FUZZ_MINUTES'] ?? 0);
const seed = process.env['PGWITNESS_FUZZ_SEED'];

/** How long a test of properties may take: what vitest is told. */
export const fuzzTimeoutMs = 60_000 + minutes * 60_000;

/** `runs` cases, or as many as the minutes of a long run hold. */
export function fuzzRuns<T>(runs: number): Parameters<T> {
  if (minutes === 0) return { numRuns: runs };
  return {
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: minutes * 60_000,
    markInterruptAsFailure: false,
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  };
}
