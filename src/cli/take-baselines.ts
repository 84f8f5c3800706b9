import type { TakenBaseline } from '../capture/baseline.ts';
import type { BaselineStatus } from '../capture/baseline-status.ts';
import type { CapturedTable } from '../capture/target.ts';
import type { Cli } from './context.ts';
import type { OpenCapture } from './open-capture.ts';

/**
 * Takes baselines one table after the other, and says on stderr how far it is and for whom it waits. Ends
 * early where the signal stops it: the last of what it gives is then `stopped`.
 */
export async function takeBaselines(
  cli: Cli,
  { connections, target }: Pick<OpenCapture, 'connections' | 'target'>,
  tables: readonly CapturedTable[],
  options: { readonly which: 'needed' | 'begun' | 'again'; readonly batchPauseMs?: number },
): Promise<TakenBaseline[]> {
  const { takeBaseline } = await import('../capture/baseline.ts');
  const { progressLine } = await import('./progress-line.ts');
  const { oneLine } = await import('../capture/plan-sql.ts');
  const progress = progressLine(cli);
  const taken: TakenBaseline[] = [];
  const waited = new Set<string>();
  try {
    for (const table of tables) {
      const one = await takeBaseline(connections.owner, target, table, {
        ...options,
        signal: cli.signal,
        now: cli.now,
        onProgress: (done) => {
          const percent = Math.min(
            100,
            Math.floor((100 * done.pagesDone) / Math.max(1, done.pages)),
          );
          const speed = Math.round((1_000 * done.rows) / Math.max(1, done.ms));
          progress.show(oneLine(`${done.table}: ${done.rows} rows, ${percent} %, ${speed} rows/s`));
        },
        onWait: (name, writers) => {
          for (const { transaction, pid, user, application, state, seconds } of writers) {
            if (waited.has(transaction)) continue;
            waited.add(transaction);
            progress.clear();
            const who =
              pid === null ? `a prepared transaction` : `pid ${pid} of ${user ?? 'unknown'}`;
            const what = [application, state].filter((part) => part !== null && part !== '');
            const age = seconds === null ? '' : `, open for ${Math.round(seconds)} s`;
            cli.process.stderr.write(
              `${oneLine(`waiting for a transaction that wrote to ${name} before: ${who} (${what.join(', ')})${age}`)}\n`,
            );
          }
        },
        onRetry: (attempt, attempts) => {
          progress.clear();
          tellRetry(cli, attempt, attempts);
        },
      });
      taken.push(one);
      if (one.outcome === 'stopped') break;
    }
  } finally {
    progress.clear();
  }
  return taken;
}

/** Looks at the baselines, and says on stderr what keeps it from looking. */
export async function lookAtBaselines(
  cli: Cli,
  { connections, target }: Pick<OpenCapture, 'connections' | 'target'>,
  tables: readonly CapturedTable[],
): Promise<BaselineStatus[]> {
  const { readBaselines } = await import('../capture/baseline-status.ts');
  return readBaselines(
    connections.owner,
    { ...target, tables },
    {
      signal: cli.signal,
      onRetry: (attempt, attempts) => tellRetry(cli, attempt, attempts),
    },
  );
}

function tellRetry(cli: Cli, attempt: number, attempts: number): void {
  cli.process.stderr.write(
    `a lock is held by someone else (try ${attempt} of ${attempts}), waiting\n`,
  );
}

/** One line a table that was read. */
export function takenLines(
  taken: readonly TakenBaseline[],
  showName: (schema: string, name: string) => string,
): string[] {
  return taken.map(({ schema, name, outcome, rows, ms, since }) => {
    const told = {
      taken: `${rows} rows in ${(ms / 1_000).toFixed(1)} s`,
      holds: 'nothing to do',
      keyless: 'it has no key: both images of each UPDATE are kept, nothing is read',
      stopped: `stopped after ${rows} rows: the next install or \`pgwitness baseline\` goes on from there`,
      'not-begun': 'a new one is needed: `pgwitness baseline`',
    }[outcome];
    return `${outcome.padEnd(9)} baseline    ${showName(schema, name)}: ${told}${sinceText(since)}`;
  });
}

/** One line a table, and one a note. */
export function statusLines(statuses: readonly BaselineStatus[]): string[] {
  return statuses.flatMap(({ state, table, since, percent, notes, due, toRead }) => {
    const done = percent === undefined ? '' : `, ${percent} % read`;
    const rows = toRead.rows === null ? '' : `about ${Math.round(toRead.rows)} rows, `;
    const todo = due === 'nothing' ? '' : `, to read: ${rows}${size(toRead.bytes)}`;
    return [
      `${state.padEnd(10)} ${table}${sinceText(since)}${done}${todo}`,
      ...notes.map((note) => `           ${note}`),
    ];
  });
}

function sinceText(since: Date | null): string {
  return since === null ? '' : `, trail since ${since.toISOString()}`;
}

function size(bytes: number): string {
  return bytes < 1_000_000
    ? `${Math.ceil(bytes / 1_000)} kB`
    : `${Math.ceil(bytes / 1_000_000)} MB`;
}
