import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
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
  const stderr = stderrThatMayFail(() => metrics.logFailures.inc());
  const log = pino({ base: null }, stderr);
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
    return stderr.flushed();
  });
  const { archive } = config;
  const stores = archive.kind === 'folder' ? archive.folder : sink.description;
  return { ...listening, done, stores };
}

interface LogDestination {
  write(line: string): void;
  /** Once what waits is written, or has waited for `flushMs`. */
  flushed(): Promise<void>;
}

/**
 * A log that can't be written (its disk is full, its reader gone or standing still) must neither stop
 * the receiver nor fill its memory: lines wait for the next write that succeeds, and those beyond
 * `mostWaiting` are dropped.
 */
function stderrThatMayFail(failed: () => void): LogDestination {
  const kind = fstatSync(2);
  if (kind.isFIFO() || kind.isSocket()) return pipeThatMayStand(failed);
  const file = pino.destination({ dest: 2, sync: true, maxLength: mostWaiting });
  file.on('error', failed);
  file.on('drop', failed);
  return {
    write: (line) => void file.write(line),
    flushed: () => Promise.resolve(),
  };
}

/**
 * `process.stderr` waits for a pipe's reader, and all else with it. Written by a thread, the pipe would
 * hold up the sink's files, and the process at its end.
 */
function pipeThatMayStand(failed: () => void): LogDestination {
  const pipe = new Socket({ fd: 2, readable: false, writable: true });
  pipe.on('error', failed);
  pipe.unref();
  return {
    write(line) {
      if (pipe.destroyed || pipe.writableLength + line.length > mostWaiting) failed();
      else pipe.write(line);
    },
    async flushed() {
      for (let waited = 0; pipe.writableLength > 0 && waited < flushMs; waited += 20) {
        if (pipe.destroyed) return;
        await sleep(20);
      }
      // What still waits would keep the process from its end.
      if (pipe.writableLength > 0) pipe.destroy();
    },
  };
}

/** Bytes. */
const mostWaiting = 1024 * 1024;
const flushMs = 500;
