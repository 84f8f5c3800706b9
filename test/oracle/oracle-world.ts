import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/demo/embedded-postgres.ts';
import { pinSettings } from './decoded-changes.ts';
import { Session } from './session.ts';

/** A server whose WAL can be decoded, and one database after another on it. */
export interface OracleWorld {
  /** As server_version_num. */
  readonly version: number;
  /** A database for the next cases: the same one for a while, for making one takes longer than a case. */
  database(): Promise<OracleDatabase>;
  /** Leaves the database at hand, in whatever state it is: the next case takes a new one. */
  abandon(): Promise<void>;
  stop(): Promise<void>;
}

export interface OracleDatabase {
  /** Of the owner and twice of the application; idle between cases. */
  readonly sessions: readonly Session[];
  /** The superuser: looks on, cancels, decodes. Its settings are pinned. */
  readonly control: pg.Client;
  /** The owner's, for install. */
  readonly owner: pg.Client;
  /** The owner's, for a baseline beside the workload. */
  readonly baseline: pg.Client;
}

/** Cases that share a database: each leaves nothing but what pgwitness notes about it. */
const casesADatabase = 40;

/** Starts the embedded Postgres, or the one whose programs are in `binaries`. */
export async function startOracleWorld(binaries?: string): Promise<OracleWorld> {
  const server = await startEmbeddedPostgres({
    settings: {
      wal_level: 'logical',
      fsync: 'off',
      // What is not flushed is not decoded.
      synchronous_commit: 'on',
      log_min_messages: 'panic',
      log_min_error_statement: 'panic',
      deadlock_timeout: '100ms',
      max_wal_size: '256MB',
    },
    ...(binaries === undefined ? {} : { binaries }),
  });
  const password = randomBytes(12).toString('hex');
  const connect = async (url: string) => {
    const client = new pg.Client({ connectionString: url });
    // A connection is ended in the middle of something where a case is abandoned.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const { user, password: superPassword } = server.superuser;
  const root = await connect(server.url(user, superPassword));
  for (const role of ['raxx_owner', 'raptor_app']) {
    await root.query(`create role ${role} login password '${password}'`);
  }
  const { rows } = await root.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  );
  let current: OracleDatabase | undefined;
  let used = 0;
  let made = 0;
  const leave = async () => {
    if (current === undefined) return;
    const { sessions, ...clients } = current;
    current = undefined;
    for (const session of sessions) await session.close();
    for (const client of Object.values(clients)) await client.end();
    await root.query(`drop database oracle_${made} with (force)`);
  };
  return {
    version: rows[0]?.version ?? 0,
    async database() {
      used += 1;
      if (current !== undefined && used <= casesADatabase) return current;
      await leave();
      used = 1;
      made += 1;
      const database = `oracle_${made}`;
      await root.query(`create database ${database} template template0 owner raxx_owner`);
      const control = await connect(server.url(user, superPassword, database));
      await control.query(pinSettings);
      const ownerUrl = server.url('raxx_owner', password, database);
      const appUrl = server.url('raptor_app', password, database);
      current = {
        control,
        sessions: [
          await Session.open(ownerUrl, 'owner', control),
          await Session.open(appUrl, 'app 1', control),
          await Session.open(appUrl, 'app 2', control),
        ],
        owner: await connect(ownerUrl),
        baseline: await connect(ownerUrl),
      };
      return current;
    },
    abandon: leave,
    async stop() {
      await leave();
      await root.end();
      await server.stop();
    },
  };
}
