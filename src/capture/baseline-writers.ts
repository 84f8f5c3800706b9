import type { ClientBase } from 'pg';
import { wait } from './baseline-patience.ts';
import { pinnedPath } from './plan.ts';
import { sqlFile } from './sql-file.ts';

/** A transaction that has written to a table and is not over. */
export interface Writer {
  /** Its virtual transaction, which is never used again. */
  readonly transaction: string;
  /** null of a prepared one, which belongs to no session. */
  readonly pid: number | null;
  readonly user: string | null;
  readonly application: string | null;
  /** `idle in transaction`, `active`, … */
  readonly state: string | null;
  /** Age of the transaction. */
  readonly seconds: number | null;
}

/** Between two looks. */
const everyMs = 200;

/**
 * Waits, without a lock or a transaction open, until every transaction is over that has written to one of
 * these tables by now; a prepared one counts. What it waits for is the lock that a write takes before it
 * looks at the capture function: a transaction without it will see the function as it is now. Comparing
 * transaction ids would not do: the id is given at the first row written, so that a statement which began
 * with the function of before may well have a later one than the transaction that replaced it. It would also
 * wait for transactions that never come near these tables. False where `signal` ended it.
 */
export async function awaitWriters(
  client: ClientBase,
  oids: readonly string[],
  given: {
    readonly signal?: AbortSignal | undefined;
    readonly onWait?: ((writers: readonly Writer[]) => void) | undefined;
  },
): Promise<boolean> {
  let awaited: ReadonlySet<string> | undefined;
  for (;;) {
    const writers = await readWriters(client, oids);
    awaited ??= new Set(writers.map(({ transaction }) => transaction));
    const before = awaited;
    const left = writers.filter(({ transaction }) => before.has(transaction));
    if (left.length === 0) return true;
    if (given.signal?.aborted === true) return false;
    given.onWait?.(left);
    await wait(everyMs, given.signal);
  }
}

async function readWriters(client: ClientBase, oids: readonly string[]): Promise<Writer[]> {
  await client.query(`begin isolation level read committed read only; ${pinnedPath}`);
  try {
    return (await client.query<Writer>(sqlFile('catalogue/baseline-writers.sql'), [oids])).rows;
  } finally {
    await client.query('rollback');
  }
}
