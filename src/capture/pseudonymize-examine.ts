import type { ClientBase } from 'pg';
import { driftedColumnsSql, examineSql, type Sought } from './pseudonymize-sql.ts';

/** Values of a column in the subject's images, before and after each change counted. */
export interface ReplacedColumn {
  readonly column: string;
  /** By a token. */
  readonly replaced: number;
  /** By null, where an older image can't hold a token. */
  readonly emptied: number;
  /** Tokens that stood there already. */
  readonly tokens: number;
}

/** Rows of history a statement: its ids go to the server log. */
const batchSize = 1_000;

/** Counts what is to be replaced in these rows of history. */
export async function examineHistory(
  client: ClientBase,
  sought: Sought,
  ids: readonly number[],
): Promise<{ readonly rows: number; readonly columns: ReplacedColumn[] }> {
  const sql = examineSql(sought);
  let rows = 0;
  const columns = new Map(
    sought.columns.map((column) => [column, { column, replaced: 0, emptied: 0, tokens: 0 }]),
  );
  for (const batch of batchesOf(ids)) {
    for (const found of (await client.query<ExaminedRow>(sql, bounded(batch))).rows) {
      const column = columns.get(found.name ?? '');
      if (found.name === null) rows += found.rows;
      else if (column !== undefined) {
        column[found.emptied ? 'emptied' : 'replaced'] += found.pending;
        column.tokens += found.tokens;
      }
    }
  }
  return { rows, columns: [...columns.values()] };
}

interface ExaminedRow {
  readonly name: string | null;
  readonly emptied: boolean;
  readonly pending: number;
  readonly tokens: number;
  readonly rows: number;
}

/** Names of columns in the drifted images of rows, given with what holds them. */
export async function readDriftedColumns(
  client: ClientBase,
  sought: Sought,
  rows: ReadonlyMap<number, string>,
): Promise<string[]> {
  const ids = [...rows].flatMap(([id, parts]) => (/\bdrifted\b/.test(parts) ? [id] : []));
  const names = new Set<string>();
  for (const batch of batchesOf(ids.sort((a, b) => a - b))) {
    const found = await client.query<{ name: string }>(driftedColumnsSql(sought), bounded(batch));
    for (const { name } of found.rows) names.add(name);
  }
  return [...names];
}

/** Ids in their order, as many at a time as one statement takes. */
export function* batchesOf(ids: readonly number[]): Generator<readonly number[]> {
  for (let start = 0; start < ids.length; start += batchSize) {
    yield ids.slice(start, start + batchSize);
  }
}

/** The parameters of a statement on these ids. */
export function bounded(ids: readonly number[]): [readonly number[], number, number] {
  return [ids, ids[0] ?? 0, ids.at(-1) ?? 0];
}
