import type { Scenario } from './scenario.ts';

const rounded = (value: number, digits = 0) => Number(value.toFixed(digits));

/** A row of the table of saturating loads. */
export function scenarioRow(found: Scenario) {
  return {
    'MB/s': rounded(found.megabytesPerSecond, 1),
    'lines/s': rounded(found.linesPerSecond),
    'p50 ms': rounded(found.p50Ms, 1),
    'p99 ms': rounded(found.p99Ms, 1),
    'MB/CPU s': rounded(found.megabytesPerCpuSecond, 1),
    'gzip alone': rounded(found.gzipMegabytesPerCpuSecond, 1),
    level: found.level,
    'RSS MB': rounded(found.rssMb),
    'frames/object': rounded(found.verified.frames / found.verified.objects, 1),
    'others busy': rounded(found.othersBusy, 2),
  };
}

/** A row of the curve: what was offered, what came of it. */
export function curveRow(found: Scenario) {
  const { statuses, lateMs } = found.load;
  const unanswered = statuses[0] ?? 0;
  return {
    'MB/s': rounded(found.megabytesPerSecond, 1),
    'p50 ms': rounded(found.p50Ms, 1),
    'p99 ms': rounded(found.p99Ms, 1),
    'answered 200': statuses[200] ?? 0,
    'answered 503': statuses[503] ?? 0,
    'no answer': unanswered,
    'sent late ms': rounded(lateMs, 1),
    'RSS MB': rounded(found.rssMb),
    'others busy': rounded(found.othersBusy, 2),
  };
}
