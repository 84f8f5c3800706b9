import pg, { type ClientBase } from 'pg';
import type { Image } from './image.ts';

/** A change as history tells it. */
export interface ToldChange {
  readonly id: string;
  /** Its place among all changes of the table, from 1. */
  readonly place: number;
  readonly operation: 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE';
  /** Of the top-level transaction, as 32 bits: so test_decoding tells it. */
  readonly xid: string;
  readonly sessionRole: string;
  readonly activeRole: string;
  readonly applicationName: string | null;
  readonly partition: string | null;
  readonly rowKey: Image | null;
  readonly before: Image | null;
  readonly after: Image | null;
  readonly changed: readonly string[] | null;
}

/** All changes that `<table>_changes` tells, in order; by its first name, which a RENAME leaves to history. */
export async function readHistory(
  client: ClientBase,
  schema: string,
  table: string,
): Promise<ToldChange[]> {
  const view = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(`${table}_changes`)}`;
  const texts = (column: string) =>
    `(select jsonb_object_agg(key, value::text) from jsonb_each(${column}))`;
  const { rows } = await client.query<ToldChange>(
    `select id::text as id, row_number() over (order by position, id)::int as place, operation, (xid::text::numeric % 4294967296)::text as xid, session_role as "sessionRole",
       active_role as "activeRole", application_name as "applicationName", partition_name as partition,
       ${texts('row_key')} as "rowKey", ${texts('before')} as before, ${texts('after')} as after, changed
     from ${view} order by place`,
  );
  return rows;
}
