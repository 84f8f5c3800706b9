import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { pino } from 'pino';
import { installCapture } from '../../src/capture/install.ts';
import type { SmokeConfig } from '../../src/config/config.ts';
import { readConfig } from '../../src/config/read-config.ts';
import { startEmbeddedPostgres } from '../../src/demo/embedded-postgres.ts';
import { listen } from '../../src/receive/node-server.ts';
import { createReceiver } from '../../src/receive/receiver.ts';
import { createReceiverMetrics } from '../../src/receive/receiver-metrics.ts';
import type { Redactor } from '../../src/redact/redactor.ts';
import { ship } from '../../src/ship/ship.ts';
import { folderArchive } from '../../src/sink/folder-archive.ts';
import { openFolderSink } from '../../src/sink/folder-sink.ts';
import type { Archive } from '../../src/sink/sink.ts';

const database = 'raxx';
const secret = () => randomBytes(12).toString('hex');
const example = (name: string) => new URL(`../../examples/raxx/${name}`, import.meta.url);

type Role = 'raxx_owner' | 'raptor_app' | 'audit_archiver' | 'raptor_audit_compliance';

/** The example's database with capture installed, and the way from its log into an archive. */
export interface SmokeWorld {
  readonly superuser: pg.Client;
  readonly owner: pg.Client;
  readonly passwords: Readonly<Record<Role, string>>;
  urlOf(role: Role): string;
  /** Where the archive lies, as `archive` below it, and what else a test keeps. */
  readonly folder: string;
  readonly archive: Archive;
  /** The example's `smoke` of `smokePrefix`. */
  readonly smoke: SmokeConfig;
  /** Follows the server's log from where it stopped. */
  startShipping(): void;
  stopShipping(): Promise<void>;
  close(): Promise<void>;
}

export const smokePrefix = 'raxx-api-prod';
export const smokeConfigPath = fileURLToPath(example('pgwitness.yaml'));

/** `redactor`: the receiver stores what it makes of each frame. */
export async function startSmokeWorld(redactor?: Redactor): Promise<SmokeWorld> {
  const passwords: Record<Role, string> = {
    raxx_owner: secret(),
    raptor_app: secret(),
    audit_archiver: secret(),
    raptor_audit_compliance: secret(),
  };
  const folder = await mkdtemp(join(tmpdir(), 'pgwitness-smoke-'));
  const app = (await readConfig(smokeConfigPath)).apps.find(({ name }) => name === smokePrefix);
  if (app?.smoke === undefined) throw new Error('the example has lost its smoke test');
  const postgres = await startEmbeddedPostgres({});
  const connect = async (url: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return client;
  };
  const asSuperuser = (name?: string) =>
    connect(postgres.url(postgres.superuser.user, postgres.superuser.password, name));
  const urlOf = (role: Role) => postgres.url(role, passwords[role], database);
  const first = await asSuperuser();
  await first.query(`create database ${database}`);
  await first.end();
  const superuser = await asSuperuser(database);
  await superuser.query(await readFile(example('roles.sql'), 'utf8'));
  await superuser.query(`alter database ${database} owner to raxx_owner`);
  for (const [role, password] of Object.entries(passwords)) {
    await superuser.query(`alter role ${role} password '${password}'`);
  }
  const owner = await connect(urlOf('raxx_owner'));
  await owner.query(await readFile(example('schema.sql'), 'utf8'));
  await installCapture({ owner, superuser }, app.database);

  const stopReceiver = new AbortController();
  const receiver = await listen({
    host: '127.0.0.1',
    port: 0,
    signal: stopReceiver.signal,
    receiver: createReceiver({
      drains: [
        { app: smokePrefix, prefix: smokePrefix, user: 'raxx', secrets: ['s3cret'], tokens: [] },
      ],
      sink: await openFolderSink(join(folder, 'archive')),
      now: Date.now,
      log: pino({ level: 'silent' }),
      metrics: createReceiverMetrics(),
      ...(redactor === undefined ? {} : { redactors: new Map([[smokePrefix, redactor]]) }),
    }),
  });
  let stopShip = new AbortController();
  let shipping: Promise<void> = Promise.resolve();
  return {
    ...{ superuser, owner, passwords, urlOf, folder, smoke: app.smoke },
    archive: folderArchive(join(folder, 'archive')),
    startShipping() {
      stopShip = new AbortController();
      shipping = ship({
        logDirectory: postgres.logDirectory,
        statePath: join(folder, 'ship.json'),
        drainUrl: receiver.url.replace('http://', 'http://raxx:s3cret@'),
        userAgent: 'pgwitness/test',
        once: false,
        signal: stopShip.signal,
        now: Date.now,
        report: () => undefined,
      });
    },
    async stopShipping() {
      stopShip.abort();
      await shipping;
    },
    async close() {
      await Promise.all([superuser.end(), owner.end()]);
      stopReceiver.abort();
      await receiver.done;
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
