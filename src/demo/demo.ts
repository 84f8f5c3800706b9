import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectDatabase } from '../capture/connect.ts';
import { installCapture } from '../capture/install.ts';
import { runSmoke, type SmokeReport } from '../checks/smoke.ts';
import { PgwitnessError } from '../error.ts';
import { folderArchive } from '../sink/folder-archive.ts';
import { type Application, startApplication } from './application.ts';
import { checkWrites, type WritesFound } from './check-writes.ts';
import { claimFolder } from './demo-folder.ts';
import { type Deployment, writeDeployment } from './deployment.ts';
import { type EmbeddedPostgres, freePort, startEmbeddedPostgres } from './embedded-postgres.ts';
import { type Supervised, supervise } from './supervise.ts';
import { createWorld, database, type Passwords } from './world.ts';

/** Something the demo did, as it happened. */
export interface DemoStep {
  readonly title: string;
  readonly ms: number;
  readonly ok: boolean;
  readonly detail?: string;
}

export interface DemoOptions {
  /** Folder for configuration, secrets and archive; what an earlier demo made there is taken away. */
  readonly directory: string;
  /** Transactions that the application tries before the proof. */
  readonly writes: number;
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onStep: (step: DemoStep) => void;
  /** A part of the demo died and was started again. */
  readonly onRestart: (what: { part: string; pid: number; ended: string }) => void;
  /** What a part said on stderr, told when the proof does not stand. */
  readonly onComplaint: (what: { part: string; text: string }) => void;
  /** The parts that run as processes of their own, once they are up and before anything is written. */
  readonly onRunning?: (pids: { postgres: number; receive: number; ship: number }) => void;
}

export interface Proof {
  readonly ok: boolean;
  readonly smoke: SmokeReport;
  readonly writes: WritesFound;
}

export interface Demo {
  readonly proof: Proof;
  readonly deployment: Deployment;
  /** Lets the application write once a second until the signal. */
  keepWriting(): Promise<void>;
  /** Stops every process and removes the database; the archive stays. */
  stop(): Promise<void>;
}

/** Every part is given back in reverse order, whichever of them came up. */
type Undo = () => Promise<void>;

/**
 * The whole way of a change on this machine: a Postgres, the runbook's world, capture, a receiver
 * and a shipper as processes of their own, an application that writes, and the proof. Leaves nothing
 * running when it throws; throws the signal's reason when it is aborted.
 */
export async function runDemo(options: DemoOptions): Promise<Demo> {
  const undo: Undo[] = [];
  const stop = async () => {
    for (let last = undo.pop(); last !== undefined; last = undo.pop()) await last();
  };
  try {
    return { ...(await rise(options, undo)), stop };
  } catch (error) {
    await stop();
    throw explain(error);
  }
}

async function rise(options: DemoOptions, undo: Undo[]): Promise<Omit<Demo, 'stop'>> {
  const step = async <T>(title: (result: T) => string, work: () => Promise<T>): Promise<T> => {
    options.signal.throwIfAborted();
    const begin = options.now();
    const result = await work();
    options.onStep({ title: title(result), ms: options.now() - begin, ok: true });
    return result;
  };

  const release = await claimFolder(options.directory);
  undo.push(async () => release());
  const passwords = makePasswords();
  const postgres = await step(
    (server: EmbeddedPostgres) => `Postgres 18 runs on port ${server.port}`,
    async () => {
      const server = await startEmbeddedPostgres({
        // The log that is shipped turns over while the demo runs, as any server's does.
        settings: { log_rotation_size: '1MB' },
      });
      undo.push(() => server.stop());
      return server;
    },
  );
  await step(
    () => "the runbook's world stands: 4 roles, 7 tables",
    () => createWorld(postgres, passwords),
  );
  const deployment = await step(
    (made: Deployment) => `pgwitness.yaml is written (app ${made.app.name})`,
    async () => {
      return writeDeployment({
        directory: options.directory,
        postgres,
        passwords,
        port: await freePort(),
      });
    },
  );
  await step(
    (count: number) => `capture is installed: ${count} objects`,
    () => capture(deployment),
  );

  const env = { ...options.env, ...deployment.env };
  const run = async (part: 'receive' | 'ship', ...more: string[]): Promise<Supervised> => {
    const running = await supervise({
      args: [part, '--config', deployment.configPath, ...more, '--json'],
      env,
      onRestart: (what) => options.onRestart({ part, ...what }),
    });
    undo.push(() => running.stop());
    return running;
  };
  const receiver = await step(
    (part: Supervised) => `the receiver listens (process ${part.pid})`,
    () => run('receive'),
  );
  const shipper = await step(
    (part: Supervised) => `the server's log is being shipped (process ${part.pid})`,
    () => run('ship', '--app', deployment.app.name),
  );
  options.onRunning?.({ postgres: postgres.pid, receive: receiver.pid, ship: shipper.pid });

  const application = startApplication(
    postgres.url('raptor_app', passwords.raptor_app, database),
    () => postgres.running,
  );
  undo.push(() => application.close());
  await step(
    () =>
      `raptor_app wrote: ${application.committed.size} commits, ${application.rolledBack.size} rollbacks`,
    () => application.write(options.writes),
  );
  const proof = await prove(options, deployment, application);
  if (!proof.ok) {
    for (const [part, process] of [
      ['receive', receiver],
      ['ship', shipper],
    ] as const) {
      for (const text of process.complaints()) options.onComplaint({ part, text });
    }
  }
  return {
    proof,
    deployment,
    keepWriting: () => application.keepWriting(1_000, options.signal),
  };
}

/** A file system that refuses (full, read-only, no right) is the user's to mend, not a fault of ours. */
function explain(error: unknown): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (error instanceof PgwitnessError || code === undefined || syscall === undefined) return error;
  return new PgwitnessError({
    code: 'demo.system-refused',
    message: `The demo could not go on: ${message}.`,
    fix: 'Mend what the system says there (space, rights), or name another folder with --dir.',
    exit: 3,
    cause: error,
  });
}

async function capture(deployment: Deployment): Promise<number> {
  const { database: target } = deployment.app;
  const owner = await connectDatabase(
    deployment.env[target.ownerUrlEnv] ?? '',
    "the owner's connection",
  );
  const superuser = await connectDatabase(
    deployment.env[target.superuserUrlEnv ?? ''] ?? '',
    "the superuser's connection",
  );
  try {
    const outcome = await installCapture({ owner, superuser }, target);
    return outcome.plan.objects.length;
  } finally {
    await Promise.all([owner.end(), superuser.end()]);
  }
}

async function prove(
  options: DemoOptions,
  deployment: Deployment,
  application: Application,
): Promise<Proof> {
  const { app, env } = deployment;
  const archive = folderArchive(deployment.archiveFolder);
  if (app.smoke === undefined) throw new Error('the example has lost its smoke test');
  const smoke = await runSmoke({
    appUrl: env[app.database.appUrlEnv ?? ''] ?? '',
    ownerUrl: env[app.database.ownerUrlEnv] ?? '',
    archive,
    prefix: app.prefix,
    smoke: app.smoke,
    now: options.now,
    sleep,
    signal: options.signal,
    onStage: (stage) =>
      options.onStep({
        title: `smoke: ${stage.title}`,
        ms: stage.ms,
        ok: stage.ok,
        detail: stage.failure ? `${stage.failure.meaning} ${stage.failure.next}` : stage.evidence,
      }),
  });
  const begin = options.now();
  const writes = await checkWrites({
    archive,
    prefix: app.prefix,
    application,
    ownerUrl: env[app.database.ownerUrlEnv] ?? '',
    since: begin - 3_600_000,
    deadline: begin + app.smoke.withinMs,
    now: options.now,
    signal: options.signal,
  });
  options.onStep({
    title: `every committed write is in the archive once: ${writes.once} of ${writes.committed}`,
    ms: options.now() - begin,
    ok: writes.ok,
  });
  return { ok: smoke.ok && writes.ok, smoke, writes };
}

function makePasswords(): Passwords {
  const password = () => randomBytes(18).toString('base64url');
  return {
    raxx_owner: password(),
    raptor_app: password(),
    audit_archiver: password(),
    raptor_audit_compliance: password(),
  };
}

/** Where the demo keeps its files when nobody says otherwise. */
export const demoDirectory = (cwd: string) => join(cwd, '.pgwitness-demo');
