import { setTimeout as sleep } from 'node:timers/promises';
import type { ReceiverHome, RunningReceiver } from '../rig/receiver-home.ts';
import { type ArchiveCheck, checkArchive } from './check-archive.ts';
import { type DrainKind, startDrain } from './soak-drain.ts';

export interface KillReport extends ArchiveCheck {
  readonly rounds: number;
  /** Requests by status; 0: the connection broke before an answer. */
  readonly statuses: ReadonlyMap<number, number>;
}

const kinds: readonly DrainKind[] = [
  'patient',
  'patient',
  'logplex',
  'space',
  'shuttle',
  'patient',
  'logplex',
  'patient',
];
/** After the start or after an answer, at the latest. */
const longestLifeMs = 150;
/** A receiver that acknowledges nothing for so long is not merely slow. */
const noAnswerMs = 30_000;

/**
 * Kills the receiver with SIGKILL again and again, at random moments under the load of eight drains,
 * starts it anew on the same port, and at the end holds the archive against what was acknowledged.
 * `roll` gives whole numbers below its argument.
 */
export async function runKillRounds(
  home: ReceiverHome,
  options: {
    readonly rounds: number;
    readonly roll: (below: number) => number;
    readonly onRound?: (round: number, acknowledged: number) => void;
  },
): Promise<KillReport> {
  const { rounds, roll } = options;
  const statuses = new Map<number, number>();
  const acknowledged = () => statuses.get(200) ?? 0;
  const onAnswer = (status: number) => void statuses.set(status, (statuses.get(status) ?? 0) + 1);
  let server = await home.start();
  const { port } = server;
  const drains = kinds.map((kind, drain) => startDrain(port, drain, kind, roll, onAnswer));
  for (let round = 1; round <= rounds; round += 1) {
    // Some are killed as soon as they listen, before or amid the first frames.
    if (roll(4) > 0) await oneMore(server);
    await sleep(roll(longestLifeMs));
    server.kill('SIGKILL');
    await server.exited;
    server = await home.start(port);
    options.onRound?.(round, acknowledged());
  }
  await oneMore(server);
  await Promise.all(drains.map((drain) => drain.stop()));
  server.kill('SIGTERM');
  const [code] = await server.exited;
  const check = await checkArchive(
    home.archive,
    drains.flatMap((drain) => drain.frames),
  );
  const ending = code === 0 ? [] : [`after SIGTERM the receiver ended with ${code}`];
  return { ...check, wrong: [...ending, ...check.wrong], rounds, statuses };

  async function oneMore(running: RunningReceiver): Promise<void> {
    const before = acknowledged();
    const end = performance.now() + noAnswerMs;
    while (acknowledged() === before) {
      if (performance.now() > end) throw new Error(`nothing acknowledged by ${running.pid}`);
      await sleep(3);
    }
  }
}
