import type { ClientBase } from 'pg';
import { type DecodedRow, parseDecodedLine, type RelationName } from './decode-text.ts';
import { markPrefix } from './session.ts';

/** A change of one row, or of one table by TRUNCATE, of a transaction that committed. */
export interface DecodedChange {
  /** Of the top-level transaction. */
  readonly xid: string;
  /** Number of the statement that made it. */
  readonly statement: number;
  /** Of the table, or the leaf, as it was called then. */
  readonly relation: RelationName;
  readonly operation: 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE';
  readonly old: DecodedRow | undefined;
  readonly new: DecodedRow | undefined;
}

/** A slot of `client`'s own, gone with its session: what is written from now on is decoded. */
export async function openSlot(client: ClientBase, slot: string): Promise<void> {
  await client.query(`select pg_create_logical_replication_slot($1, 'test_decoding', true)`, [
    slot,
  ]);
}

/**
 * What was committed since the slot was made, in the order of commits and within them as it was written.
 * Settings that output functions depend on are those of `client`: see `pinSettings`.
 */
export async function readSlot(
  client: ClientBase,
  slot: string,
  schema: string,
): Promise<DecodedChange[]> {
  const { rows } = await client.query<{ data: string }>(
    `select data from pg_logical_slot_get_changes($1, null, null, 'include-xids', '1', 'include-timestamp', '0')`,
    [slot],
  );
  await client.query('select pg_drop_replication_slot($1)', [slot]);
  const changes: DecodedChange[] = [];
  let xid = '';
  // Of a statement that is a transaction of its own, marked from outside; and of one within a transaction.
  let alone: number | undefined;
  let within: number | undefined;
  for (const { data } of rows) {
    const line = parseDecodedLine(data);
    if (line.kind === 'begin') {
      xid = line.xid;
      within = undefined;
    } else if (line.kind === 'message' && line.prefix === markPrefix) {
      const number = line.content === 'end' ? undefined : Number(line.content);
      if (line.transactional) within = number;
      else alone = number;
    } else if (line.kind === 'change' || line.kind === 'truncate') {
      const relations = line.kind === 'change' ? [line.relation] : line.relations;
      for (const relation of relations) {
        if (relation.schema !== schema || relation.name.endsWith('_history')) continue;
        const statement = within ?? alone;
        if (statement === undefined) throw new Error(`no statement is known to have made ${data}`);
        changes.push(
          line.kind === 'change'
            ? { ...line, xid, statement, old: line.old, new: newRow(line.old, line.new) }
            : { xid, statement, relation, operation: 'TRUNCATE', old: undefined, new: undefined },
        );
      }
    }
  }
  return changes;
}

/** Settings under which a value has one text; a type that is not Postgres's own shows its schema. */
export const pinSettings = `
set search_path = pg_catalog;
set extra_float_digits = 1;
set timezone = 'UTC';
set datestyle = 'ISO, YMD';
set intervalstyle = 'postgres';
set bytea_output = 'hex';
set lc_monetary = 'C'`;

/** What an UPDATE left in TOAST stands in the old row. */
function newRow(
  old: DecodedRow | undefined,
  fresh: DecodedRow | undefined,
): DecodedRow | undefined {
  if (fresh === undefined) return undefined;
  return new Map(
    [...fresh].map(([column, value]) => {
      if (value.value !== 'unchanged') return [column, value];
      const kept = old?.get(column);
      if (kept === undefined) throw new Error(`the old row does not hold ${column}`);
      return [column, kept];
    }),
  );
}
