import type pg from 'pg';
import { connectDatabase } from '../capture/connect.ts';
import { PgwitnessError } from '../error.ts';

/** A statement of the smoke test takes milliseconds; one that waits for a lock must not hang it. */
const statementTimeoutMs = 10_000;

/** Rows of one statement, which is sent as it stands: no bind parameter, no transaction of its own. */
export type Ask = <Row extends Readonly<Record<string, unknown>>>(
  statement: string,
) => Promise<readonly Row[]>;

/**
 * Opens a connection, lends it to `work` and closes it, also while a statement runs: when `signal`
 * aborts, that statement fails. Throws as `connectDatabase` does, and `checks.database-failed`, exit 3,
 * for what `work` does not catch.
 */
export async function withDatabase<T>(
  url: string,
  what: string,
  signal: AbortSignal | undefined,
  work: (ask: Ask) => Promise<T>,
): Promise<T> {
  const client = await connectDatabase(url, what);
  const leave = () => void client.end().catch(() => undefined);
  signal?.addEventListener('abort', leave, { once: true });
  try {
    return await work(async (text) => {
      const query = { text, query_timeout: statementTimeoutMs };
      return (await client.query(query)).rows;
    });
  } catch (error) {
    if (error instanceof PgwitnessError) throw error;
    throw new PgwitnessError({
      code: 'checks.database-failed',
      message: `A statement on ${what} failed: ${refusalOf(error).message}.`,
      fix: 'See that the server runs and takes connections, and run it again.',
      exit: 3,
      cause: error,
    });
  } finally {
    signal?.removeEventListener('abort', leave);
    leave();
  }
}

/** What the server says of a statement it refused. */
export interface Refusal {
  readonly sqlState: string | undefined;
  readonly message: string;
  /** Raised inside a function, as a trigger's is, and not by the statement itself. */
  readonly inFunction: boolean;
}

/** The server's, the network's or the driver's reason why a statement failed. */
export function refusalOf(error: unknown): Refusal {
  const told = error as Partial<pg.DatabaseError>;
  return {
    sqlState: typeof told.code === 'string' ? told.code : undefined,
    message: error instanceof Error ? error.message : String(error),
    inFunction: typeof told.where === 'string' && told.where.includes('PL/pgSQL function'),
  };
}
