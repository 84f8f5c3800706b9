// npm run bench:receive [-- --quick] [--sink folder|s3] [--rounds N] [--drains-only]
// What the receiver stores and what that costs, beside what gzip alone does with the same bytes in the same run.
import { existsSync } from 'node:fs';
import { ensureBuilt } from '../../scripts/bootstrap.mjs';
import { folderStore } from '../../test/rig/receiver-home.ts';
import { startRgwStores, whatRgwLacks } from '../../test/rig/rgw-stores.ts';
import { drainCapacity } from './drain-table.ts';
import { drainFrameBytes, spaceFrameBytes } from './frames.ts';
import { loadCeiling } from './load-ceiling.ts';
import { startLoad } from './load-process.ts';
import { type BenchOptions, parseOptions, usage } from './options.ts';
import { curveRow, scenarioRow } from './report.ts';
import { type Bench, type JobOf, runScenario, type Scenario } from './scenario.ts';

const manyDrains = 50;
/** As many as the receiver takes connections, and some to spare. */
const mostSenders = 3_900;
const roundTrips = [0, 5, 20, 80];

const options = parseOptions(process.argv.slice(2));
if (options === 'help') console.log(usage);
else if ('wrong' in options) {
  console.error(`error ${options.wrong}\n  fix ${usage}`);
  process.exitCode = 2;
} else if (!existsSync('/proc/self/stat')) {
  console.error('error CPU seconds of a process are read from /proc.\n  fix Run this on Linux.');
  process.exitCode = 2;
} else if (options.sink === 's3' && whatRgwLacks() !== '') {
  console.error(`error An S3 server is not installed here.\n  fix ${whatRgwLacks()}`);
  process.exitCode = 2;
} else await main(options);

async function main(given: BenchOptions): Promise<void> {
  ensureBuilt();
  const rgw = given.sink === 's3' ? await startRgwStores() : undefined;
  const load = await startLoad();
  const bench: Bench = {
    load,
    openStore: () => rgw?.newStore() ?? Promise.resolve(folderStore),
    gzipSeconds: given.quick ? 0.3 : 1,
  };
  try {
    if (!given.drainsOnly) await throughput(bench, given);
    if (given.drainsOnly || !given.quick) await drains(bench);
  } finally {
    load.stop();
    await rgw?.stop();
  }
}

async function throughput(bench: Bench, { quick, rounds, sink }: BenchOptions): Promise<void> {
  const time = { seconds: quick ? 3 : 6, warmSeconds: quick ? 1 : 2 };
  const saturate = { kind: 'saturate', ids: true, frameBytes: drainFrameBytes, ...time } as const;
  const many: JobOf<'saturate'> = { ...saturate, senders: manyDrains };
  const ceiling = await loadCeiling(bench.load, { ...many, seconds: 1, warmSeconds: 0.5 });

  const one = await best(rounds, bench, { ...saturate, senders: 1 });
  const fifty = await best(rounds, bench, many);
  const space = { ...saturate, senders: 1, frameBytes: spaceFrameBytes, ids: false };
  const large = await best(rounds, bench, space);
  console.log(
    `The load alone, with a server that only answers: ${ceiling.toFixed(0)} MB/s, ${(ceiling / fifty.megabytesPerSecond).toFixed(1)} times what ${manyDrains} drains bring to the receiver.`,
  );
  console.table({
    'one drain': scenarioRow(one),
    [`${manyDrains} drains`]: scenarioRow(fifty),
    'one sender of 5 MB': scenarioRow(large),
  });

  const curve: Record<string, ReturnType<typeof curveRow>> = {};
  const paced = async (part: number) => {
    const framesPerSecond = fifty.framesPerSecond * part;
    const frameBytes = drainFrameBytes;
    const job = {
      kind: 'paced',
      senders: manyDrains,
      frameBytes,
      framesPerSecond,
      ...time,
    } as const;
    const found = await runScenario(bench, job);
    curve[`${part * 100} %`] = curveRow(found);
    return found;
  };
  if (!quick) await paced(0.25);
  let half = await paced(0.5);
  for (let round = 1; round < rounds; round += 1) {
    const again = await paced(0.5);
    if (again.p99Ms < half.p99Ms) half = again;
  }
  curve['50 %'] = curveRow(half);
  if (!quick) for (const part of [0.75, 0.9]) await paced(part);
  for (const part of quick ? [2] : [1.25, 2]) {
    const found = await runScenario(bench, {
      kind: 'flood',
      mostSenders,
      frameBytes: drainFrameBytes,
      framesPerSecond: fifty.framesPerSecond * part,
      seconds: quick ? 6 : 12,
    });
    curve[`${part * 100} %`] = curveRow(found);
  }
  console.log(
    `Offered load as part of what ${manyDrains} drains brought. Up to 90 % their frames fall due at random moments; past 100 % each that falls due takes an idle drain or a new one.`,
  );
  console.table(curve);
  console.log(
    JSON.stringify({
      bench: 'receive',
      sink,
      share_per_cpu_s: rounded(fifty.megabytesPerCpuSecond / fifty.gzipMegabytesPerCpuSecond, 3),
      one_drain_lines_s: Math.round(one.linesPerSecond),
      lines_per_s: Math.round(fifty.linesPerSecond),
      p99_ms: rounded(half.p99Ms, 1),
      rss_mb: Math.round(fifty.rssMb),
    }),
  );
}

/** The round in which most was stored: what else ran on the machine can only take from it. */
async function best(rounds: number, bench: Bench, job: JobOf<'saturate'>): Promise<Scenario> {
  let found = await runScenario(bench, job);
  for (let round = 1; round < rounds; round += 1) {
    const again = await runScenario(bench, job);
    if (again.megabytesPerSecond > found.megabytesPerSecond) found = again;
  }
  return found;
}

async function drains(bench: Bench): Promise<void> {
  const table: Record<string, unknown> = {};
  for (const rttMs of roundTrips) {
    const { linesPerSecond, p50Ms, p99Ms } = await drainCapacity(bench, rttMs, 5);
    table[`${rttMs} ms`] = {
      'lines/s': linesPerSecond,
      'p50 ms': rounded(p50Ms, 1),
      'p99 ms': rounded(p99Ms, 1),
    };
  }
  console.log('What one drain carries before it drops lines (L10), by the round trip to it:');
  console.table(table);
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
