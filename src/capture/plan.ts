import type { ClientBase } from 'pg';
import { readCatalogue, readMaySet } from './catalogue.ts';
import { planBookkeeping, planPreconditions } from './plan-bookkeeping.ts';
import { planNotes } from './plan-notes.ts';
import { planOwnFunctions } from './plan-own-functions.ts';
import { planOwnRights } from './plan-own-rights.ts';
import { planSettings } from './plan-settings.ts';
import { planTables } from './plan-tables.ts';
import type { PlannedObject } from './planned-object.ts';
import { migrations } from './sql-file.ts';
import type { CaptureTarget } from './target.ts';

/** Connections that capture works with. */
export interface CaptureConnections {
  /** As the owner of the tables, or a member of that role. */
  readonly owner: ClientBase;
  /** A login that may SET log_statement for roles; it does nothing else. */
  readonly superuser?: ClientBase;
}

/** What install would do, object by object, in the order in which it would do it. */
export interface CapturePlan {
  readonly database: string;
  readonly owner: string;
  readonly objects: readonly PlannedObject[];
  /** Sentences for the reader: limits, and controls that do not hold. */
  readonly notes: readonly string[];
}

/**
 * Compares the database with the target. Writes nothing, and needs no right to: it runs in a read-only
 * transaction that it begins and ends itself. Throws what `pg` throws.
 */
export async function planCapture(
  connections: CaptureConnections,
  target: CaptureTarget,
): Promise<CapturePlan> {
  const { owner, superuser } = connections;
  const clients = superuser === undefined ? [owner] : [owner, superuser];
  for (const client of clients) {
    await client.query('begin isolation level repeatable read read only');
    await client.query(pinnedPath);
  }
  try {
    return await planWithin(connections, target);
  } finally {
    for (const client of clients) await client.query('rollback');
  }
}

/**
 * What is named without a schema is Postgres's own, whatever the login's search_path would find; and names
 * of types come without quotes, whatever else the login has set.
 */
export const pinnedPath =
  'set local search_path = pg_catalog, pg_temp; set local quote_all_identifiers = off';

/** As planCapture, inside transactions that the caller has begun, their path pinned. */
export async function planWithin(
  { owner, superuser }: CaptureConnections,
  target: CaptureTarget,
): Promise<CapturePlan> {
  const catalogue = await readCatalogue(owner, target);
  const roles = target.roles.map((role) => role.name);
  const may = {
    owner: await readMaySet(owner, roles),
    superuser: superuser === undefined ? undefined : await readMaySet(superuser, roles),
  };
  return {
    database: catalogue.server.database,
    owner: target.owner,
    objects: [
      ...planPreconditions(catalogue, target),
      ...planBookkeeping(catalogue, target, migrations()),
      ...planOwnFunctions(catalogue, target, migrations()),
      ...planOwnRights(catalogue, migrations()),
      ...planTables(catalogue, target),
      ...planSettings(catalogue, target, may),
    ],
    notes: planNotes(catalogue, target),
  };
}

/** Key of the advisory lock that lets one installer work at a time in a database: 'pgwtness' in ASCII. */
export const installLock = '8099573796801180531';

/** Longest wait for one lock: writers that queue up behind it wait no longer than that. */
export const lockTimeoutMs = 1_000;

/** Objects that something would be done about. */
export function pendingObjects(plan: CapturePlan): PlannedObject[] {
  return plan.objects.filter(
    (object) =>
      object.sql.length > 0 || (object.setting !== undefined && object.action !== 'blocked'),
  );
}

/** Objects that are not as they have to be: what would be made, put right, taken over, or stands in the way. */
export function driftOf(plan: CapturePlan): PlannedObject[] {
  return plan.objects.filter(({ action }) => action !== 'unchanged');
}

/** Objects for which nothing at all would be installed. */
export function refusedObjects(plan: CapturePlan): PlannedObject[] {
  return plan.objects.filter(({ action }) => action === 'refuse');
}

/** Settings that no connection given may make. */
export function blockedObjects(plan: CapturePlan): PlannedObject[] {
  return plan.objects.filter(({ action }) => action === 'blocked');
}

/**
 * Statements that lock `tables` together. The lock timeout holds for each lock: without an end to the
 * statement, writers of the first table would wait for as many times as there are tables.
 */
export function lockTogether(tables: readonly string[], mode: string): string[] {
  return [
    `set local statement_timeout = '${lockTimeoutMs}ms';`,
    `lock table ${[...new Set(tables)].sort().join(', ')} in ${mode} mode;`,
    'set local statement_timeout to default;',
  ];
}

/**
 * The statements of a plan as the owner, in order. Tables in use are locked together, sorted by name,
 * just before their triggers are made: two installers can't block each other crosswise, and no table
 * is held while something else is still being made.
 */
export function ownerStatements(plan: CapturePlan): string[] {
  const pending = plan.objects.filter(({ sql }) => sql.length > 0);
  const locks = pending.flatMap((object) => object.locks ?? []);
  const first = pending.findIndex((object) => object.locks !== undefined);
  if (first === -1) return pending.flatMap(({ sql }) => sql);
  return [
    ...pending.slice(0, first).flatMap(({ sql }) => sql),
    ...lockTogether(locks, 'share row exclusive'),
    ...pending.slice(first).flatMap(({ sql }) => sql),
  ];
}
