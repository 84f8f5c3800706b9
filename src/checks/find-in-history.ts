import pg from 'pg';
import type { SmokeRow, TableName } from '../config/config.ts';
import { historyOf } from '../config/table-name.ts';
import type { Ask } from './ask-database.ts';
import { insertStatement, sqlTable } from './tracer.ts';

/** A row just inserted, as the server keeps it: good for as long as nothing moves it. */
export interface InsertedRow {
  readonly ctid: string;
  readonly tableoid: string;
  /** The server's clock before the insert. */
  readonly since: string;
}

/** A row of history that holds the nonce. */
export interface HistoryRow {
  /** Its `id`, where history has one. */
  readonly id?: string;
  readonly changedAt: string;
}

/** Inserts the row, or undefined where a trigger or a rule let it vanish. */
export async function insertRow(
  ask: Ask,
  table: TableName,
  row: SmokeRow,
): Promise<InsertedRow | undefined> {
  const [clock] = await ask<{ now: string }>('select clock_timestamp()::text as now');
  const [inserted] = await ask<{ ctid: string; tableoid: string }>(
    `${insertStatement(table, row)} returning ctid::text, tableoid::text`,
  );
  if (clock === undefined || inserted === undefined) return undefined;
  return { ...inserted, since: clock.now };
}

/**
 * The row of `<table>_history` with operation INSERT, written since, that holds the nonce. The
 * columns of an adopted history table are its own: looked at is the row as a whole.
 */
export async function findInHistory(
  ask: Ask,
  table: TableName,
  nonce: string,
  since: string,
): Promise<HistoryRow | undefined> {
  const [found] = await ask<{ id: string | null; changed_at: string }>(
    // As text, since history may hold json that no jsonb takes; `.*`, since a column may be called h.
    `select substring(row_to_json(h.*)::text from '^\\{"id":"?([^",}]+)') as id, h.changed_at::text as changed_at
     from ${sqlTable(historyOf(table))} h
     where h.changed_at >= ${pg.escapeLiteral(since)}::timestamptz
       and h.operation = 'INSERT'
       and (h.*)::text like ${pg.escapeLiteral(`%${nonce}%`)}
     order by h.changed_at desc
     limit 1`,
  );
  if (found === undefined) return undefined;
  return { changedAt: found.changed_at, ...(found.id === null ? {} : { id: found.id }) };
}

/**
 * Takes the inserted row away again; false where it is no longer there. Its place alone could by now
 * be another row's, so the nonce has to stand in it too.
 */
export async function removeRow(
  ask: Ask,
  table: TableName,
  row: InsertedRow,
  nonce: string,
): Promise<boolean> {
  const removed = await ask(
    `delete from ${sqlTable(table)} t
     where t.ctid = ${pg.escapeLiteral(row.ctid)}::tid
       and t.tableoid = ${pg.escapeLiteral(row.tableoid)}::oid
       and (t.*)::text like ${pg.escapeLiteral(`%${nonce}%`)}
     returning 1`,
  );
  return removed.length > 0;
}

/** The triggers on a table that are not Postgres's own, as `name (disabled)`. */
export async function triggersOn(ask: Ask, table: TableName): Promise<string[]> {
  const found = await ask<{ tgname: string; tgenabled: string }>(
    `select tgname, tgenabled from pg_catalog.pg_trigger
     where tgrelid = pg_catalog.to_regclass(${pg.escapeLiteral(sqlTable(table))})
       and not tgisinternal
     order by tgname`,
  );
  return found.map(({ tgname, tgenabled }) => {
    if (tgenabled === 'D') return `${tgname} (disabled)`;
    return tgenabled === 'R' ? `${tgname} (on replicas only)` : tgname;
  });
}
