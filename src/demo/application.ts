import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

export interface Application {
  /** Tokens of committed writes, each of which stands in exactly one statement. */
  readonly committed: ReadonlySet<string>;
  /** Writes that were rolled back: they stand in the log and must not stand in history. */
  readonly rolledBack: ReadonlySet<string>;
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
export function startApplication(url: string): Application {
  const pool = new pg.Pool({ connectionString: url, max: 4, application_name: 'raxx-web' });
  // An idle connection that breaks is replaced by the pool; the write that meets it fails by itself.
  pool.on('error', () => undefined);
  const committed = new Set<string>();
  const rolledBack = new Set<string>();
  const changes = new Map<string, number>();
  let last = 0;

  const one = async () => {
    last += 1;
    const number = last;
    const token = `demo-${String(number).padStart(6, '0')}`;
    const client = await pool.connect();
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
      await client.query('commit');
      committed.add(token);
      changes.set(table, (changes.get(table) ?? 0) + rows);
    } finally {
      client.release();
    }
  };

  return {
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
