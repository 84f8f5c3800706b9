import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { PgwitnessError } from '../error.ts';

export interface Application {
  /** Tokens of committed writes, each of which stands in exactly one statement. */
  readonly committed: ReadonlySet<string>;
  /** Writes that were rolled back: they stand in the log and must not stand in history. */
  readonly rolledBack: ReadonlySet<string>;
  /** Row changes whose COMMIT met a broken connection: nobody knows whether they stand. */
  readonly uncertain: number;
  /** Row changes committed, by table name. */
  readonly changes: ReadonlyMap<string, number>;
  /** Makes `count` writes over several connections, as fast as they go. */
  write(count: number): Promise<void>;
  /** Makes one write every `ms` milliseconds until the signal. */
  keepWriting(ms: number, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/**
 * A small application that works as `raptor_app` over several connections: people sign up, log in,
 * change their e-mail, trade; some transactions roll back. Each write carries a token of its own.
 */
export function startApplication(url: string, databaseRuns: () => boolean): Application {
  const pool = new pg.Pool({ connectionString: url, max: 4, application_name: 'raxx-web' });
  // A connection that breaks is replaced; the write that meets it fails by itself.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const committed = new Set<string>();
  const rolledBack = new Set<string>();
  const changes = new Map<string, number>();
  let last = 0;
  let uncertain = 0;

  /** One write; a database that is gone for a moment is waited for, as any application would. */
  const one = async () => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (!isConnectionLost(error)) throw error;
        if (!databaseRuns() || tries === 50) throw databaseEnded(error);
        await sleep(200);
      }
    }
  };

  const attempt = async () => {
    last += 1;
    const number = last;
    const token = `demo-${String(number).padStart(6, '0')}`;
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('begin');
      await client.query("select set_config('pgwitness.actor', $1, true)", [`user:${number % 7}`]);
      const { table, rows } = await write(client, number, token);
      // Every tenth transaction changes its mind.
      if (number % 10 === 0) {
        await client.query('rollback');
        rolledBack.add(token);
        return;
      }
      uncertain += rows;
      await client.query('commit');
      uncertain -= rows;
      committed.add(token);
      changes.set(table, (changes.get(table) ?? 0) + rows);
    } catch (error) {
      broken = error as Error;
      throw error;
    } finally {
      // A client that met an error may stand in an open transaction: it is not used again.
      client.release(broken);
    }
  };

  return {
    get uncertain() {
      return uncertain;
    },
    committed,
    rolledBack,
    changes,
    async write(count) {
      const lanes = Array.from({ length: 4 }, async (_, lane) => {
        for (let done = lane; done < count; done += 4) await one();
      });
      await Promise.all(lanes);
    },
    async keepWriting(ms, signal) {
      while (!signal.aborted) {
        await one();
        await sleep(ms, undefined, { signal }).catch((error: Error) => {
          if (error.name !== 'AbortError') throw error;
        });
      }
    },
    async close() {
      await pool.end();
    },
  };
}

/** SQLSTATE classes 08 and 57P (the server shuts down or recovers), or an error of the socket itself. */
function isConnectionLost(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return /^(08|57P|ECONN|EPIPE)/.test(code ?? '') || /connection terminated/i.test(message ?? '');
}

function databaseEnded(cause: unknown): PgwitnessError {
  return new PgwitnessError({
    code: 'demo.postgres-ended',
    message: "The demo's Postgres has ended or does not answer any more.",
    fix: 'Start the demo again.',
    exit: 3,
    cause,
  });
}

interface Written {
  readonly table: string;
  readonly rows: number;
}

/** One write, by bind parameters as a driver sends them, or as plain text. */
async function write(client: pg.PoolClient, number: number, token: string): Promise<Written> {
  const email = `${token}@example.invalid`;
  const run = async (table: string, sql: string, values: unknown[] = []) => ({
    table,
    rows: (await client.query(sql, values)).rowCount ?? 0,
  });
  switch (number % 4) {
    case 0:
      return run(
        'customer_audit_events',
        `insert into customer_audit_events (id, dimension, customer_id, actor_id, actor_type, action, at_utc)
values ($1, 'customer', $2, $3, 'user', 'order.placed', now())`,
        [token, number, `user:${number % 7}`],
      );
    case 1:
      return run('users', 'insert into users (email) values ($1)', [email]);
    case 2:
      return run(
        'users',
        `insert into users (email)\n\tvalues ('${email}') -- Zoë signs up, on two lines`,
      );
    default:
      return run(
        'users',
        "update users set email = $1 where id = (select max(id) from users where email like 'demo-%' and id % 4 = $2)",
        [email, number % 4],
      );
  }
}
