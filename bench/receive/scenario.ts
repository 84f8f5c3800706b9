import { makeReceiverHome, type ReceiverStore } from '../../test/rig/receiver-home.ts';
import { bareGzip, levelOf } from './bare-gzip.ts';
import { drainFrameBytes, makeFrames } from './frames.ts';
import { type LoadJob, type LoadResult, quantile } from './load-job.ts';
import type { LoadProcess } from './load-process.ts';
import { busySeconds, cpuSecondsOf, memoryOf } from './process-usage.ts';
import { type Verified, verifyArchive } from './verify-archive.ts';

/** What a load came to on a receiver of its own, started for it and killed after it. */
export interface Scenario {
  readonly framesPerSecond: number;
  readonly linesPerSecond: number;
  /** Unpacked bytes, in units of 1,000,000. */
  readonly megabytesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the server alone, while it was measured. */
  readonly cpuSeconds: number;
  readonly megabytesPerCpuSecond: number;
  /** Bytes per CPU second of gzip alone, measured before and after on the same bytes at the same level. */
  readonly gzipMegabytesPerCpuSecond: number;
  readonly level: number;
  /** Resident memory of the server at its most, MB. */
  readonly rssMb: number;
  /** Cores that neither server nor load kept busy, but others did. */
  readonly othersBusy: number;
  readonly load: LoadResult;
  readonly verified: Verified;
}

/** A job without what only the run knows. */
export type JobOf<Kind extends LoadJob['kind']> = Kind extends unknown
  ? Omit<Extract<LoadJob, { kind: Kind }>, 'port' | 'seed'>
  : never;

export interface Bench {
  readonly load: LoadProcess;
  /** A new empty store each time. */
  readonly openStore: () => Promise<ReceiverStore>;
  /** CPU seconds that gzip alone gets on each side of a scenario. */
  readonly gzipSeconds: number;
}

let seed = Date.now() % 2 ** 31;

/** Throws where the archive lacks a frame that was acknowledged: such a figure is worth nothing. */
export async function runScenario(bench: Bench, job: JobOf<LoadJob['kind']>): Promise<Scenario> {
  const home = await makeReceiverHome(await bench.openStore());
  try {
    const server = await home.start();
    const usage = () => ({
      cpu: cpuSecondsOf(server.pid),
      busy: busySeconds(),
      at: performance.now(),
    });
    let [begin, end] = [usage(), usage()];
    const run = { ...job, port: server.port, seed: seed++ } as LoadJob;
    // The level is known only once something is stored: the burst before takes the one found last.
    const frames = makeFrames(
      8,
      'frameBytes' in job ? job.frameBytes : drainFrameBytes,
      run.seed,
      Date.now(),
    );
    const before = bareGzip(frames, lastLevel, bench.gzipSeconds);
    const load = await bench.load.run(run, {
      begin() {
        begin = usage();
      },
      end() {
        end = usage();
      },
    });
    const level = await levelOf(home.archive);
    const after = bareGzip(frames, level, bench.gzipSeconds);
    const gzip =
      level === lastLevel
        ? (before.bytes + after.bytes) / (before.cpuSeconds + after.cpuSeconds)
        : after.bytes / after.cpuSeconds;
    lastLevel = level;
    const rssMb = memoryOf(server.pid).most;
    server.kill('SIGKILL');
    await server.exited;
    const verified = await verifyArchive(home.archive, load.acknowledged);
    if (verified.missing > 0) {
      throw new Error(`${verified.missing} acknowledged frames are not in the archive as sent`);
    }
    const cpuSeconds = end.cpu - begin.cpu;
    const wall = (end.at - begin.at) / 1_000;
    return {
      framesPerSecond: load.frames / load.seconds,
      linesPerSecond: load.lines / load.seconds,
      megabytesPerSecond: load.bytes / 1e6 / load.seconds,
      p50Ms: quantile(load.answerMs, 0.5),
      p99Ms: quantile(load.answerMs, 0.99),
      cpuSeconds,
      megabytesPerCpuSecond: load.bytes / 1e6 / cpuSeconds,
      gzipMegabytesPerCpuSecond: gzip / 1e6,
      level,
      rssMb,
      othersBusy: (end.busy - begin.busy - cpuSeconds - load.cpuSeconds) / wall,
      load,
      verified,
    };
  } finally {
    await home.remove();
  }
}

/** zlib's own default, until a scenario has shown another. */
let lastLevel = 6;
