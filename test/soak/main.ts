// npm run soak [-- --rounds N] [--sink folder|s3] [--seed N] | [-- --fuzz MINUTES]
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ensureBuilt, root } from '../../scripts/bootstrap.mjs';
import { randomFrom } from '../rig/random.ts';
import { folderStore, makeReceiverHome } from '../rig/receiver-home.ts';
import { startRgwStores, whatRgwLacks } from '../rig/rgw-stores.ts';
import { runKillRounds } from './kill-rounds.ts';

const usage = `usage: npm run soak [-- flags]
  Kills the receiver with SIGKILL at random moments under load, starts it again on the same port, and at
  the end looks for every acknowledged frame in the archive, and for each line in the trail, once.
  --rounds N        how often (default 200)
  --sink NAME       folder (default), or s3: a Ceph RGW started for it
  --seed N          of the moments and of what is sent; printed at the start
  --fuzz MINUTES    no kills: the property tests of the receiver's frames, headers, bodies and
                    connections, for so long, each with new cases
  --help            this text`;

interface Flags {
  readonly rounds: number;
  readonly sink: 'folder' | 's3';
  readonly seed: number;
  readonly fuzz?: number;
}

function parsed(): Flags | 'help' | { readonly wrong: string } {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: 'string', default: '200' },
        sink: { type: 'string', default: 'folder' },
        seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
        fuzz: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return 'help';
    const { rounds, sink, seed, fuzz } = values;
    if (sink !== 'folder' && sink !== 's3')
      return { wrong: `--sink ${sink} is neither folder nor s3.` };
    for (const [name, text] of Object.entries({ rounds, seed, fuzz })) {
      if (text !== undefined && !/^\d{1,10}$/.test(text)) {
        return { wrong: `--${name} ${text} is no whole number.` };
      }
    }
    const numbers = { rounds: Number(rounds), seed: Number(seed) };
    return { ...numbers, sink, ...(fuzz !== undefined && { fuzz: Number(fuzz) }) };
  } catch (error) {
    return { wrong: (error as Error).message };
  }
}

async function main(flags: Flags): Promise<number> {
  ensureBuilt();
  if (flags.fuzz !== undefined) return fuzz(flags.fuzz, flags.seed);
  const rgw = flags.sink === 's3' ? await startRgwStores() : undefined;
  const home = await makeReceiverHome((await rgw?.newStore()) ?? folderStore);
  try {
    console.log(`${flags.rounds} kills, sink ${flags.sink}, seed ${flags.seed}`);
    const began = Date.now();
    let shown = began;
    const report = await runKillRounds(home, {
      rounds: flags.rounds,
      roll: randomFrom(flags.seed),
      onRound(round, acknowledged) {
        if (Date.now() - shown < 10_000) return;
        shown = Date.now();
        console.log(
          `${round} kills, ${acknowledged} acknowledged, ${Math.round((shown - began) / 1_000)} s`,
        );
      },
    });
    const statuses = [...report.statuses]
      .map(([status, times]) => `${status}: ${times}`)
      .join(', ');
    console.log(`answers ${statuses} (0: the connection broke before one)`);
    console.log(
      `${report.acknowledged} frames acknowledged; the archive holds ${report.frames} in ${report.objects} objects, ${report.copies} of them a second time; the trail tells ${report.records} records`,
    );
    for (const sentence of report.wrong) console.error(`error ${sentence}`);
    if (report.wrong.length > 0) return 1;
    console.log(
      `killed ${report.rounds} times: nothing acknowledged is lost, no line is told twice`,
    );
    return 0;
  } finally {
    await home.remove();
    await rgw?.stop();
  }
}

/** The same property tests as in `npm test`, each for its part of the time. */
function fuzz(minutes: number, seed: number): number {
  console.log(`property tests for ${minutes} min, seed ${seed}`);
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...fuzzFiles];
  const env = {
    ...process.env,
    PGWITNESS_FUZZ_MINUTES: String(minutes),
    PGWITNESS_FUZZ_SEED: String(seed),
  };
  return spawnSync(process.execPath, vitest, { cwd: root, stdio: 'inherit', env }).status ?? 1;
}

const fuzzFiles = ['src/receive/receiver-fuzz.test.ts', 'test/faults/socket-fuzz.test.ts'];

const flags = parsed();
const lacking =
  typeof flags === 'object' && 'sink' in flags && flags.sink === 's3' && whatRgwLacks();
if (flags === 'help') console.log(usage);
else if ('wrong' in flags) {
  console.error(`error ${flags.wrong}\n  fix ${usage}`);
  process.exitCode = 2;
} else if (lacking) {
  console.error(`error An S3 server is not installed here.\n  fix ${lacking}`);
  process.exitCode = 2;
} else process.exitCode = await main(flags);
