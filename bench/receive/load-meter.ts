import { performance } from 'node:perf_hooks';
import type { LoadFrame } from './frames.ts';
import { type Acknowledged, type LoadResult, quantile } from './load-job.ts';

/** Counts what a load does; what falls outside of the measured time is acknowledged, but not measured. */
export interface LoadMeter {
  readonly measuring: boolean;
  begin(): void;
  end(): void;
  /** A request that began at `sentAt` (performance.now) is over. */
  answered(
    status: number,
    sentAt: number,
    frame: Pick<LoadFrame, 'body' | 'lines' | 'digest'>,
    id: string | undefined,
  ): void;
  /** A frame that was due at `dueAt` is sent now. */
  due(dueAt: number): void;
  dropped(lines: number): void;
  result(): LoadResult;
}

export function createLoadMeter(): LoadMeter {
  const answerMs: number[] = [];
  const late: number[] = [];
  const statuses: Record<number, number> = {};
  const acknowledged: Acknowledged[] = [];
  let [frames, lines, bytes, dropped] = [0, 0, 0, 0];
  let [beganAt, endedAt] = [Number.NaN, Number.NaN];
  let cpu = process.cpuUsage();
  let cpuSeconds = 0;
  return {
    get measuring() {
      return beganAt <= performance.now() && Number.isNaN(endedAt);
    },
    begin() {
      beganAt = performance.now();
      cpu = process.cpuUsage();
    },
    end() {
      endedAt = performance.now();
      const used = process.cpuUsage(cpu);
      cpuSeconds = (used.user + used.system) / 1e6;
    },
    answered(status, sentAt, frame, id) {
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status !== 200) return;
      acknowledged.push({ id, digest: frame.digest });
      if (!this.measuring) return;
      frames += 1;
      lines += frame.lines;
      bytes += frame.body.length;
      answerMs.push(performance.now() - sentAt);
    },
    due(dueAt) {
      late.push(performance.now() - dueAt);
    },
    dropped(count) {
      dropped += count;
    },
    result: () => ({
      seconds: (endedAt - beganAt) / 1_000,
      frames,
      lines,
      bytes,
      answerMs: answerMs.sort((a, b) => a - b),
      statuses,
      lateMs: quantile(
        late.sort((a, b) => a - b),
        0.99,
      ),
      cpuSeconds,
      dropped,
      acknowledged,
    }),
  };
}
