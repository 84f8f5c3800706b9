import fc from 'fast-check';
import type { OracleWorld } from './oracle-world.ts';
import { reportCase } from './report.ts';
import { type CaseResult, runCase } from './run-case.ts';
import { cases } from './workload.ts';

export interface CheckOptions {
  readonly runs: number;
  /** The same seed makes the same cases. */
  readonly seed: number;
  /** Of an earlier failure: goes straight to the case that it was made smaller to. */
  readonly path?: string;
  /** Longest workload, in steps. */
  readonly longest: number;
  /** No further case, and no smaller form of a failed one, is begun after this long. */
  readonly timeLimitMs: number;
  readonly onCase?: (result: CaseResult) => void;
}

export interface CheckOutcome {
  readonly runs: number;
  /** Changes that were compared. */
  readonly compared: number;
  /** What a developer needs to see it again; undefined where history told all that was committed. */
  readonly failure: string | undefined;
}

/** Runs random cases until one fails, and makes that one smaller. */
export async function checkCases(world: OracleWorld, options: CheckOptions): Promise<CheckOutcome> {
  let runs = 0;
  let compared = 0;
  const end = Date.now() + options.timeLimitMs;
  const property = fc.asyncProperty(cases(options.longest), async (given) => {
    // fast-check's own limit would leave the case at hand running beside whatever comes next.
    if (Date.now() > end) return;
    const result = await runCase(world, given);
    runs += 1;
    compared += result.compared;
    options.onCase?.(result);
    if (result.differences.length + result.broken.length > 0) throw new Error(reportCase(result));
  });
  const details = await fc.check(property, {
    numRuns: options.runs,
    seed: options.seed,
    ...(options.path === undefined ? {} : { path: options.path }),
  });
  return {
    runs,
    compared,
    failure: details.failed
      ? `Case ${details.numRuns}, made smaller ${details.numShrinks} times. Again: npm run test:oracle -- --seed ${details.seed} --path ${details.counterexamplePath}\n\n${details.errorInstance instanceof Error ? details.errorInstance.message : String(details.errorInstance)}`
      : undefined,
  };
}
