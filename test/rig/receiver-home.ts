import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { folderArchive } from '../../src/sink/folder-archive.ts';
import type { Archive } from '../../src/sink/sink.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** The drain of the one app of a `ReceiverHome`. */
export const homeDrain = { user: 'raxx', password: 'secret-one', prefix: 'raxx' } as const;

/** Where a receiver stores, and how its archive is read. */
export interface ReceiverStore {
  /** `archive:` of pgwitness.yaml. */
  readonly yaml: string;
  /** What the receiver needs in its environment to write there. */
  readonly env: Readonly<Record<string, string>>;
  archive(home: string): Archive;
  remove(): Promise<void>;
}

/** A folder inside the home, removed with it. */
export const folderStore: ReceiverStore = {
  yaml: 'archive: { folder: archive }',
  env: {},
  archive: (home) => folderArchive(join(home, 'archive')),
  remove: () => Promise.resolve(),
};

export interface RunningReceiver {
  readonly pid: number;
  readonly port: number;
  /** Resolves with code and signal when the process has ended. */
  readonly exited: Promise<[number | null, string | null]>;
  kill(signal: 'SIGKILL' | 'SIGTERM'): void;
}

/** A folder with a pgwitness.yaml, of which `pgwitness receive` runs as a process of its own. */
export interface ReceiverHome {
  readonly archive: Archive;
  /** Resolves once it listens; rejects with its log when it ends before. Port 0 takes a free one. */
  start(port?: number): Promise<RunningReceiver>;
  /** All that its processes wrote to stderr. */
  log(): Promise<string>;
  /** Kills what runs and removes the folder and what the store holds. */
  remove(): Promise<void>;
}

/** `dist/` must be built. */
export async function makeReceiverHome(store: ReceiverStore = folderStore): Promise<ReceiverHome> {
  const home = await mkdtemp(join(tmpdir(), 'pgwitness-home-'));
  const children = new Map<ChildProcess, Promise<unknown>>();
  const logFile = join(home, 'receiver.log');
  await writeFile(
    join(home, 'pgwitness.yaml'),
    `version: 1
${store.yaml}
apps:
  raxx:
    drain: { user: ${homeDrain.user}, secret_env: RAXX_SECRET }
    database: { owner_url_env: OWNER_URL, owner: owner, tables: [users] }
`,
  );
  return {
    archive: store.archive(home),
    log: () => readFile(logFile, 'utf8'),
    start,
    async remove() {
      for (const child of children.keys()) child.kill('SIGKILL');
      await Promise.all(children.values());
      await rm(home, { recursive: true, force: true });
      await store.remove();
    },
  };

  async function start(port = 0): Promise<RunningReceiver> {
    const log = openSync(logFile, 'a');
    const child = spawn(process.execPath, [main, 'receive', '--port', String(port), '--json'], {
      cwd: home,
      env: { PATH: process.env['PATH'], RAXX_SECRET: homeDrain.password, ...store.env },
      stdio: ['ignore', 'pipe', log],
    });
    closeSync(log);
    const exited = once(child, 'close') as Promise<[number | null, string | null]>;
    children.set(child, exited);
    exited.then(() => children.delete(child));
    let told = '';
    child.stdout?.on('data', (chunk) => {
      told += chunk;
    });
    while (!told.includes('\n') && child.exitCode === null && child.signalCode === null) {
      await Promise.race([once(child.stdout ?? child, 'data'), exited]);
    }
    if (!told.includes('\n')) {
      throw new Error(`the receiver did not start: ${await readFile(logFile, 'utf8')}`);
    }
    const { listening } = JSON.parse(told) as { listening: string };
    return {
      pid: child.pid ?? 0,
      port: Number(new URL(listening).port),
      exited,
      kill: (signal) => void child.kill(signal),
    };
  }
}
