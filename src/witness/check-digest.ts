import type { ClientBase } from 'pg';
import { rowDigest } from '../capture/capture-function.ts';
import { captureNames } from '../capture/capture-names.ts';
import { storedImages } from '../capture/plan-guards.ts';
import { renderSql } from '../capture/sql-file.ts';
import { belongsTo } from './belongs-to.ts';
import { capturedDigests } from './image-changes.ts';
import type { CapturedStatement, ImageChange } from './witness-line.ts';

/** What history says now of one statement that was witnessed. */
export type DigestCheck =
  /** Its rows are as they were captured. */
  | { readonly kind: 'equal' }
  /** They are, but for so many whose images were changed since, as lines of the log tell. */
  | { readonly kind: 'changed-as-told'; readonly images: number }
  /** So many rows are there (of `rows` of the line), and they are not what was captured. */
  | { readonly kind: 'altered'; readonly found: number }
  /** None is there, and none was ever committed. */
  | { readonly kind: 'rolled-back' }
  | { readonly kind: 'in-progress' }
  /** None is there, and they were committed. */
  | { readonly kind: 'gone' }
  /** None is there, and the server no longer knows what became of the transaction; or there is no history. */
  | { readonly kind: 'unknown'; readonly why: string };

/**
 * Holds history against the digest of a captured statement, whose code must have been verified. `client` is
 * the owner's connection, outside of a transaction: all is read in one of its own, which changes nothing.
 * `changes` are those of images that verified lines tell, oldest first, of whatever rows.
 */
export async function checkDigest(
  client: ClientBase,
  owner: string,
  witness: CapturedStatement,
  changes: readonly ImageChange[] = [],
): Promise<DigestCheck> {
  await client.query('begin transaction isolation level repeatable read, read only');
  try {
    return await check(client, owner, witness, changes);
  } finally {
    await client.query('rollback');
  }
}

async function check(
  client: ClientBase,
  owner: string,
  witness: CapturedStatement,
  changes: readonly ImageChange[],
): Promise<DigestCheck> {
  const { table, firstId, lastId, xid, command } = witness;
  const { schema, history } = captureNames(table);
  const own = await belongsTo(client, { schema, name: history }, owner);
  if (own !== true) {
    return { kind: 'unknown', why: `${owner} has no table ${schema}.${history}` };
  }
  const shapes = await shapesOf(client, schema, history);
  // Text in the binary form of a row is in the client's encoding: capture pins the database's.
  await client.query(
    `select set_config('search_path', 'pg_catalog, pg_temp', true),
       set_config('client_encoding', getdatabaseencoding(), true)`,
  );
  const sql = renderSql(
    'check-digest',
    { schema, history },
    { row_digest: rowDigest('h.id', storedImages('h', shapes)) },
  );
  const told = capturedDigests(changes.filter(({ id }) => id >= firstId && id <= lastId));
  const { rows } = await client.query<{
    row_count: string;
    changed_count: string;
    of_one_statement: boolean;
    digest: string | null;
  }>(sql, [
    ...[String(firstId), String(lastId), String(xid), command],
    ...[told.ids, told.now, told.captured],
  ]);
  const [found] = rows;
  if (found === undefined) return { kind: 'unknown', why: 'pgwitness.witness_key holds no key' };
  const count = Number(found.row_count);
  if (count === 0) return fateOf(client, witness);
  const expected = command === 'TRUNCATE' ? 1 : witness.rows;
  const same = count === expected && found.of_one_statement && found.digest === witness.digest;
  if (!same) return { kind: 'altered', found: count };
  const images = Number(found.changed_count);
  return images === 0 ? { kind: 'equal' } : { kind: 'changed-as-told', images };
}

/** The numbers of the images that history has columns for, though none of them may be in use any more. */
async function shapesOf(
  client: ClientBase,
  schema: string,
  history: string,
): Promise<{ readonly number: number }[]> {
  const { rows } = await client.query<{ number: string }>(
    `select substr(a.attname, 7) as number
     from pg_catalog.pg_attribute a
     join pg_catalog.pg_class c on c.oid = a.attrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = $2 and not a.attisdropped
       and a.attname ~ '^image_[1-9][0-9]{0,8}$'`,
    [schema, history],
  );
  return rows.map(({ number }) => ({ number: Number(number) }));
}

/** Why a statement has no rows: by the (sub)transaction that they were written in. */
async function fateOf(client: ClientBase, { xid, sub }: CapturedStatement): Promise<DigestCheck> {
  const { rows } = await client.query<{ status: string | null }>(
    `select case when $1::xid8 < pg_snapshot_xmax(pg_current_snapshot())
       then pg_xact_status($1::xid8) end as status`,
    [String(withEpoch(xid, sub))],
  );
  const status = rows[0]?.status;
  if (status === 'aborted') return { kind: 'rolled-back' };
  if (status === 'in progress') return { kind: 'in-progress' };
  if (status === 'committed') return { kind: 'gone' };
  return {
    kind: 'unknown',
    why: 'the server no longer knows whether the transaction was committed',
  };
}

/** A subtransaction gets its id after the one above it, and less than half a circle of ids later. */
function withEpoch(xid: bigint, sub: number): bigint {
  const circle = 2n ** 32n;
  const same = (xid / circle) * circle + BigInt(sub);
  return same < xid ? same + circle : same;
}
