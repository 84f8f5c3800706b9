import { pino } from 'pino';
import type { Config } from '../config/config.ts';
import { PgwitnessError } from '../error.ts';
import type { Drain } from '../receive/access-list.ts';
import { type Listening, listen } from '../receive/node-server.ts';
import { createReceiver } from '../receive/receiver.ts';
import { createReceiverMetrics } from '../receive/receiver-metrics.ts';
import { openFolderSink } from '../sink/folder-sink.ts';
import type { Cli } from './context.ts';

/** The receiver that `config` describes, listening; logs go to stderr, one JSON object a line. */
export async function startReceiver(
  config: Config,
  cli: Pick<Cli, 'env' | 'now' | 'signal'>,
  given: { readonly host?: string | undefined; readonly port?: number | undefined },
): Promise<Listening> {
  const drains = drainsOf(config, cli.env);
  const metrics = createReceiverMetrics();
  const log = pino(
    { base: null },
    stderrThatMayFail(() => metrics.logFailures.inc()),
  );
  const sink = await openFolderSink(config.archive.folder);
  const receiver = createReceiver({
    drains,
    sink,
    now: cli.now,
    log,
    metrics,
  });
  const listening = await listen({
    host: given.host ?? config.receiver.host,
    port: given.port ?? config.receiver.port,
    receiver,
    signal: cli.signal,
  });
  log.info({ url: listening.url, sink: sink.description }, 'listening');
  const done = listening.done.then(() => log.info('stopped'));
  return { ...listening, done };
}

/**
 * A log that can't be written (its disk is full, its reader gone) must neither stop the receiver nor
 * fill its memory: lines wait for the next write that succeeds, and those beyond `mostWaiting` are
 * dropped.
 */
function stderrThatMayFail(failed: () => void) {
  const stderr = pino.destination({ dest: 2, sync: true, maxLength: mostWaiting });
  stderr.on('error', failed);
  stderr.on('drop', failed);
  return stderr;
}

/** Bytes. */
const mostWaiting = 1024 * 1024;

/** Throws `receive.no-secret`, exit 2, naming every variable that is missing. */
function drainsOf(config: Config, env: Cli['env']): Drain[] {
  const missing = config.apps.filter(({ drain }) => (env[drain.secretEnv] ?? '').trim() === '');
  if (missing.length > 0) {
    const names = [...new Set(missing.map(({ drain }) => drain.secretEnv))];
    const list = missing.map((app) => `${app.drain.secretEnv} (drain of ${app.name})`).join(', ');
    throw new PgwitnessError({
      code: 'receive.no-secret',
      message: `The receiver has no password for its drains; not set or empty: ${list}.`,
      fix: `Set ${names.join(' and ')} to the password part of the drain URL, a long random value, and run again.`,
      exit: 2,
    });
  }
  return config.apps.map(({ name, prefix, drain }) => ({
    app: name,
    prefix,
    user: drain.user,
    secrets: [env[drain.secretEnv] ?? ''],
    tokens: drain.tokens,
  }));
}
