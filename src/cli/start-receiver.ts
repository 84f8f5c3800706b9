import { pino } from 'pino';
import type { Config } from '../config/config.ts';
import { type Listening, listen } from '../receive/node-server.ts';
import { createReceiver } from '../receive/receiver.ts';
import { createReceiverMetrics } from '../receive/receiver-metrics.ts';
import type { Cli } from './context.ts';
import { openSink } from './open-archive.ts';
import { drainsOf, redactorsOf } from './receiver-drains.ts';
import { withSecrets } from './with-secrets.ts';

/**
 * The receiver that `config` describes, listening; logs go to stderr, one JSON object a line. `stores` is
 * where objects go, for people. Throws PgwitnessError.
 */
export async function startReceiver(
  config: Config,
  given: Pick<Cli, 'env' | 'now' | 'signal'>,
  address: { readonly host?: string | undefined; readonly port?: number | undefined },
): Promise<Listening & { readonly stores: string }> {
  const cli = await withSecrets(given, config);
  const drains = drainsOf(config, cli.env);
  const redactors = await redactorsOf(config, cli.env);
  const metrics = createReceiverMetrics();
  const log = pino(
    { base: null },
    stderrThatMayFail(() => metrics.logFailures.inc()),
  );
  const sink = await openSink(config, cli);
  const receiver = createReceiver({
    drains,
    sink,
    redactors,
    now: cli.now,
    log,
    metrics,
  });
  const listening = await listen({
    host: address.host ?? config.receiver.host,
    port: address.port ?? config.receiver.port,
    receiver,
    signal: cli.signal,
  }).catch((error: unknown) => {
    sink.close();
    throw error;
  });
  log.info({ url: listening.url, sink: sink.description }, 'listening');
  const done = listening.done.then(() => {
    sink.close();
    log.info('stopped');
  });
  const { archive } = config;
  const stores = archive.kind === 'folder' ? archive.folder : sink.description;
  return { ...listening, done, stores };
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
