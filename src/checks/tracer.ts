import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { SmokeRow, TableName } from '../config/config.ts';
import type { Tokens } from '../redact/token.ts';

/** Sixteen hex digits: never seen before, and the same in SQL, JSON, LIKE and a log line. */
export function makeNonce(): string {
  return randomBytes(8).toString('hex');
}

/** `{nonce}` and `{now}` (ISO 8601, UTC) of a configured row replaced. */
export function fillRow(row: SmokeRow, nonce: string, nowMs: number): SmokeRow {
  const now = new Date(nowMs).toISOString();
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      typeof value === 'string'
        ? value.replaceAll('{nonce}', nonce).replaceAll('{now}', now)
        : value,
    ]),
  );
}

/**
 * By what a statement with this row is recognised in the archive: by its nonce, and where values are
 * redacted by the tokens of those that hold it.
 */
export function tracerTexts(
  row: SmokeRow,
  nonce: string,
  tokens: Pick<Tokens, 'token'> | undefined,
): string[] {
  const values = Object.values(row).flatMap((value) =>
    typeof value === 'string' && value.includes(nonce) ? [value] : [],
  );
  return [nonce, ...(tokens === undefined ? [] : values.map((value) => tokens.token(value)))];
}

/**
 * `insert into … values …` with every value as a literal: with bind parameters the statement's text
 * would not hold the nonce, and what the server computes stands in no statement text either. On one
 * line, unless a value brings a newline of its own.
 */
export function insertStatement(table: TableName, row: SmokeRow): string {
  const columns = Object.keys(row).map((column) => pg.escapeIdentifier(column));
  const values = Object.values(row).map(sqlLiteral);
  return `insert into ${sqlTable(table)} (${columns.join(', ')}) values (${values.join(', ')})`;
}

/** `"schema"."name"`. */
export function sqlTable(table: TableName): string {
  return `${pg.escapeIdentifier(table.schema)}.${pg.escapeIdentifier(table.name)}`;
}

function sqlLiteral(value: SmokeRow[string]): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return pg.escapeLiteral(value);
  if (typeof value === 'boolean') return String(value);
  // YAML knows .inf and .nan, and SQL knows them as text.
  return Number.isFinite(value) ? String(value) : pg.escapeLiteral(String(value));
}
