import pg from 'pg';
import { PgwitnessError } from '../error.ts';

/** Whether trying again a moment later may succeed: a lock not had in time, a deadlock, a concurrent change. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return false;
  return (
    error.code === '55P03' ||
    // The statement that locks tables together ran out of its time; or someone cancelled it.
    error.code === '57014' ||
    error.code === '40P01' ||
    error.code === '40001' ||
    // Another database of the same cluster alters the same role: these catalogues are shared.
    (error.code === 'XX000' && error.message === 'tuple concurrently updated')
  );
}

/** What the server or the connection threw, while doing `what`, as an error for people. */
export function databaseFailure(error: unknown, what: string): PgwitnessError {
  if (error instanceof PgwitnessError) return error;
  if (!(error instanceof pg.DatabaseError)) {
    return new PgwitnessError({
      code: 'capture.connection-lost',
      message: `The connection broke while ${what}: ${error instanceof Error ? error.message : String(error)}. Nothing of it was kept.`,
      fix: 'Run it again: what is there already stays as it is.',
      exit: 3,
      cause: error,
    });
  }
  if (error.code === '57P01' || error.code === '57P02' || error.code === '57P03') {
    return new PgwitnessError({
      code: 'capture.connection-lost',
      message: `The server ended the connection while ${what}. Nothing of it was kept.`,
      fix: 'Run it again once the server is up.',
      exit: 3,
      cause: error,
    });
  }
  if (error.code === '25006') {
    return new PgwitnessError({
      code: 'capture.read-only',
      message: `The server takes no writes at the moment (${error.message}); it was asked while ${what}.`,
      fix: 'Connect to the primary server, with a role whose transactions are not read-only.',
      exit: 1,
      cause: error,
    });
  }
  if (error.code === '53100') {
    return new PgwitnessError({
      code: 'capture.disk-full',
      message: `The server's disk is full; that was told while ${what}. Nothing of it was kept.`,
      fix: 'Make room on the server, and run it again.',
      exit: 1,
      cause: error,
    });
  }
  return new PgwitnessError({
    code: 'capture.server-refused',
    message: `The server refused while ${what}: ${error.message} (${error.code ?? 'no code'}). Nothing of it was kept.`,
    fix: error.hint ?? 'Put right what the server names, and run it again.',
    exit: 1,
    cause: error,
  });
}
