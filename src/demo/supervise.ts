import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PgwitnessError } from '../error.ts';

export interface Supervised {
  readonly pid: number;
  /** The first line of JSON that the verb printed. */
  readonly first: unknown;
  /** The last lines that it said on stderr, oldest first. */
  complaints(): readonly string[];
  /** SIGTERM, then SIGKILL after 8 s; resolves when the process is gone. */
  stop(): Promise<void>;
}

/** What a child of the demo runs: it ends when the demo does, however that went. */
const child = fileURLToPath(new URL('./child.js', import.meta.url));

/**
 * Runs a verb of pgwitness as a process of its own and starts it again when something kills it, as a
 * service manager would. Resolves when the verb has printed its first line of JSON, `--json` being
 * among `args`; throws what it said when it ends before that.
 */
export async function supervise(given: {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onRestart: (what: { pid: number; ended: string }) => void;
}): Promise<Supervised> {
  let stopping = false;
  let current: ChildProcess;
  const complaints: string[] = [];

  const start = async (): Promise<unknown> => {
    const process_ = spawn(process.execPath, [child, ...given.args], {
      env: given.env as NodeJS.ProcessEnv,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    current = process_;
    createInterface({ input: process_.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      complaints.push(line);
      if (complaints.length > 10) complaints.shift();
    });
    const said = new Promise<unknown>((resolve, reject) => {
      createInterface({ input: process_.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        if (line.startsWith('{')) resolve(JSON.parse(line));
      });
      process_.once('error', reject);
      process_.once('exit', (code, signal) =>
        reject(
          didNotStart(given.args[0] ?? '', signal ?? `exit code ${code}`, complaints.join('\n')),
        ),
      );
    });
    process_.once('exit', (code, signal) => {
      if (!stopping) void restart(signal ?? `exit code ${code}`);
    });
    return await said;
  };

  const restart = async (ended: string) => {
    // A moment's pause, so that a verb that always fails doesn't take the machine.
    await sleep(300);
    if (stopping) return;
    try {
      await start();
      given.onRestart({ pid: current.pid ?? -1, ended });
    } catch (error) {
      // It ended again before it was ready: its exit has asked for the next start already.
      if (!(error instanceof PgwitnessError)) throw error;
    }
  };

  let first: unknown;
  try {
    first = await start();
  } catch (error) {
    stopping = true;
    throw error;
  }
  return {
    get pid() {
      return current.pid ?? -1;
    },
    first,
    complaints: () => complaints,
    async stop() {
      stopping = true;
      if (current.exitCode !== null || current.signalCode !== null) return;
      const gone = once(current, 'exit');
      current.kill('SIGTERM');
      const force = setTimeout(() => current.kill('SIGKILL'), 8_000);
      await gone;
      clearTimeout(force);
    },
  };
}

function didNotStart(verb: string, how: string, said: string): PgwitnessError {
  return new PgwitnessError({
    code: 'demo.part-did-not-start',
    message: `\`pgwitness ${verb}\` ended (${how}) before it was ready: ${said.trim() || 'it said nothing'}`,
    fix: 'Mend what it says above and start the demo again.',
    exit: 3,
  });
}
