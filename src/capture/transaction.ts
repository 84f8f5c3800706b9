import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import pg from 'pg';
import { PgwitnessError } from '../error.ts';
import { type CaptureConnections, installLock, lockTimeoutMs, pinnedPath } from './plan.ts';
import { databaseFailure, isTransient } from './server-error.ts';

/** How often a change is tried that does not get its locks, and how long it waits in between. */
export interface Patience {
  readonly attempts: number;
  readonly pauseMs: number;
  /** Longest wait for one lock. */
  readonly lockTimeoutMs: number;
  /** Told before each pause. */
  readonly onRetry?: (attempt: number, attempts: number) => void;
  readonly signal?: AbortSignal;
}

const usualPatience: Patience = { attempts: 5, pauseMs: 1_000, lockTimeoutMs };

/** What `work` made of the transaction. */
export interface Outcome<T> {
  readonly result: T;
  readonly commit: boolean;
}

/**
 * Runs `work` in one transaction on the owner's connection, alone among installers, with a lock
 * timeout so that no writer waits long behind it. Whatever is not committed is rolled back, on the
 * superuser's connection too. A lock that can't be had is asked for again a few times, from the start.
 */
export async function changeCapture<T>(
  connections: CaptureConnections,
  what: string,
  patience: Partial<Patience>,
  work: () => Promise<Outcome<T>>,
): Promise<T> {
  const { attempts, pauseMs, onRetry, signal, ...times } = { ...usualPatience, ...patience };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await changeOnce(connections, times.lockTimeoutMs, work);
    } catch (error) {
      if (!isTransient(error)) throw databaseFailure(error, what);
      if (attempt >= attempts || signal?.aborted === true) {
        throw await locked(connections.owner, error, what, attempt, times.lockTimeoutMs);
      }
      onRetry?.(attempt, attempts);
      await sleep(pauseMs, undefined, signal === undefined ? {} : { signal }).catch(
        () => undefined,
      );
    }
  }
}

async function changeOnce<T>(
  { owner, superuser }: CaptureConnections,
  timeoutMs: number,
  work: () => Promise<Outcome<T>>,
): Promise<T> {
  const clients = superuser === undefined ? [owner] : [owner, superuser];
  try {
    for (const client of clients) {
      await client.query('begin isolation level read committed');
      await client.query(pinnedPath);
      await client.query(`set local lock_timeout = ${timeoutMs}`);
    }
    await owner.query('select pg_advisory_xact_lock($1)', [installLock]);
    const { result, commit } = await work();
    // The owner's part first: should the process end between the two, a role's log_statement is
    // missing, which the next plan tells and the next install puts right.
    for (const client of clients) await client.query(commit ? 'commit' : 'rollback');
    return result;
  } catch (error) {
    for (const client of clients) {
      await client.query('rollback').catch((lost: unknown) => {
        // A connection that is gone has rolled back by itself; any other failure hides nothing either,
        // since `error` is what the caller hears.
        if (lost instanceof pg.DatabaseError) process.emitWarning(lost);
      });
    }
    throw error;
  }
}

/** Who holds what we could not have: the owner may see pids and users, though not others' statements. */
async function locked(
  owner: ClientBase,
  cause: unknown,
  what: string,
  attempts: number,
  timeoutMs: number,
): Promise<PgwitnessError> {
  const holders = await owner.query<{
    pid: number;
    usename: string | null;
    seconds: string | null;
  }>(`
    select a.pid, a.usename, extract(epoch from now() - a.xact_start)::int::text as seconds
    from pg_stat_activity a
    where a.datname = current_database() and a.pid <> pg_backend_pid() and a.xact_start is not null
      and exists (select from pg_locks l where l.pid = a.pid and l.granted and l.mode <> 'AccessShareLock')
    order by a.xact_start limit 3`);
  const told = holders.rows
    .map(
      ({ pid, usename, seconds }) =>
        `pid ${pid}${usename === null ? '' : ` of ${usename}`}${seconds === null ? '' : `, open for ${seconds} s`}`,
    )
    .join('; ');
  return new PgwitnessError({
    code: 'capture.locked',
    message: `A lock could not be had within ${timeoutMs} ms in ${attempts} ${attempts === 1 ? 'try' : 'tries'} while ${what}; nothing was changed.${told === '' ? '' : ` The oldest transactions at work: ${told}.`}`,
    fix: 'Let long transactions end, or run it at a quieter time.',
    exit: 1,
    cause,
  });
}
