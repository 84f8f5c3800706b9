import { type EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { CopyIn } from './copy-in.ts';
import type { Statement } from './render-write.ts';
import { readSeenSchema, type SeenSchema } from './seen-schema.ts';

/** What became of a statement; `where` is the CONTEXT of an error. */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: pg.DatabaseError };

/** Marks in the WAL that tell which statement made a change: `pg_logical_emit_message`. */
export const markPrefix = 'oracle';

/** One connection of a workload, on which one statement at a time runs or waits for another's lock. */
export class Session {
  readonly client: pg.Client;
  readonly label: string;
  private readonly control: pg.Client;
  private readonly pid: number;
  private waiting: Promise<Outcome> | undefined;
  readonly savepoints: string[] = [];
  readonly prepared: string[] = [];

  private constructor(client: pg.Client, label: string, control: pg.Client, pid: number) {
    this.client = client;
    this.label = label;
    this.control = control;
    this.pid = pid;
  }

  /** Connects; `control` looks on from beside, and cancels. */
  static async open(url: string, label: string, control: pg.Client): Promise<Session> {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    return new Session(client, label, control, rows[0]?.pid ?? 0);
  }

  /** As of ReadyForQuery: idle, in a transaction, or in one that has failed. */
  get state(): 'idle' | 'open' | 'failed' {
    const status = this.client.getTransactionStatus();
    return status === 'T' ? 'open' : status === 'E' ? 'failed' : 'idle';
  }

  get isWaiting(): boolean {
    return this.waiting !== undefined;
  }

  see(namespace: string): Promise<SeenSchema> {
    return readSeenSchema(this.client, namespace);
  }

  /**
   * Runs a statement, marked with its number. Where another session's lock stops it, it goes on waiting
   * within a transaction ('waiting', and `settle` tells how it ends); outside of one it is cancelled.
   */
  async run(number: number, statement: Statement): Promise<Outcome | 'waiting'> {
    const alone = this.state === 'idle';
    // One that fails takes its transactional mark along; alone, it stands between two that stay.
    if (this.state !== 'failed') await this.mark(!alone, `${number}`);
    this.waiting = this.send(statement);
    const outcome = await this.settle();
    if (outcome !== undefined) {
      if (alone) await this.markEnd();
      return outcome;
    }
    if (!alone) return 'waiting';
    await this.cancel();
    const cancelled = await this.settle(true);
    await this.markEnd();
    return cancelled ?? 'waiting';
  }

  /** How the statement that waits has ended; undefined where it still waits for a lock. */
  async settle(patiently = false): Promise<Outcome | undefined> {
    const waiting = this.waiting;
    if (waiting === undefined) return undefined;
    for (let pause = 2; ; pause = Math.min(pause * 2, 50)) {
      const outcome = await Promise.race([waiting, sleep(pause, undefined)]);
      if (outcome !== undefined) {
        this.waiting = undefined;
        return outcome;
      }
      if (patiently) continue;
      const { rows } = await this.control.query<{ blocked: boolean }>(
        'select cardinality(pg_blocking_pids($1)) > 0 as blocked',
        [this.pid],
      );
      if (rows[0]?.blocked === true) return undefined;
    }
  }

  async cancel(): Promise<void> {
    await this.control.query('select pg_cancel_backend($1)', [this.pid]);
  }

  /** Leaves it as if it had just been opened. */
  async reset(): Promise<void> {
    if (this.isWaiting || this.state !== 'idle') throw new Error(`${this.label} is not idle`);
    // DISCARD ALL would take the driver's own prepared statement along.
    await this.client.query('reset role; reset all; discard temp');
    const { rows } = await this.client.query<{ name: string }>(
      `select quote_ident(name) as name from pg_prepared_statements where name ~ '^p\\d'`,
    );
    for (const { name } of rows) await this.client.query(`deallocate ${name}`);
    this.prepared.length = 0;
    this.savepoints.length = 0;
  }

  async close(): Promise<void> {
    await this.client.end();
  }

  /** pg's own; its types leave it out. */
  private get connection(): EventEmitter {
    return (this.client as unknown as { readonly connection: EventEmitter }).connection;
  }

  private async mark(transactional: boolean, content: string): Promise<void> {
    await this.client.query(
      `select pg_catalog.pg_logical_emit_message(${transactional}, '${markPrefix}', '${content}')`,
    );
  }

  private async markEnd(): Promise<void> {
    // BEGIN makes a transaction of its own out of what follows.
    if (this.state === 'idle') await this.mark(false, 'end');
  }

  private async send(statement: Statement): Promise<Outcome> {
    try {
      if (statement.data !== undefined) {
        const copy = new CopyIn(statement.sql, statement.data);
        this.client.query(copy);
        await copy.done;
      } else if (statement.values !== undefined) {
        await this.client.query(statement.sql, [...statement.values]);
      } else {
        await this.client.query(statement.sql);
      }
      return { kind: 'done' };
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      // pg tells of an error before the server says in which state it leaves the transaction.
      const { readyForQuery } = this.client as unknown as { readonly readyForQuery: boolean };
      if (!readyForQuery) await once(this.connection, 'readyForQuery');
      return { kind: 'failed', error };
    }
  }
}
