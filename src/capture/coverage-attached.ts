import type { ClientBase } from 'pg';
import { baselinesOf, coversOf, leavesOf } from './baseline-cover.ts';
import { partitionChanges } from './coverage-form.ts';
import type { CapturedLook } from './coverage-look.ts';
import type { AttachedRows } from './coverage-partitions.ts';
import { renderSql, sqlFile } from './sql-file.ts';
import type { CapturedName } from './target.ts';

/** Pages that are read of one partition at most: rows that came with it stand at its beginning. */
const mostPages = 1_000;

/**
 * Of each partition that no baseline has read and that came since: whether it held rows when it became one.
 * A row older than the partition's entry in pg_inherits did. Reads at most 8 MB of each; a partition that
 * may not be read is unknown.
 */
export async function readAttachedRows(
  client: ClientBase,
  look: CapturedLook,
): Promise<ReadonlyMap<string, AttachedRows>> {
  const { catalogue, table, form } = look;
  const found = new Map<string, AttachedRows>();
  if (table.kind !== 'p') return found;
  const records = baselinesOf(catalogue, table);
  const added = form === undefined ? [] : partitionChanges(form, table).added;
  for (const leaf of leavesOf(table)) {
    const covers = coversOf(records, leaf.oid);
    // A baseline that was begun has noted what it has to read.
    if (covers.some(({ completed_at }) => completed_at !== null)) continue;
    const came = table.partitions.some(({ oid, text }) => oid === leaf.oid && added.includes(text));
    // Where all of the table still waits for its first baseline, that is told of the table.
    if (!came && (covers.length > 0 ? covers[0]?.because !== 'partition' : records.length === 0)) {
      continue;
    }
    found.set(leaf.oid, await attachedRowsOf(client, leaf));
  }
  return found;
}

/** Of one partition: whether it held rows when it became one. */
export async function attachedRowsOf(
  client: ClientBase,
  { schema, name, oid }: CapturedName & { readonly oid: string },
): Promise<AttachedRows> {
  const allowed = await client.query<{ readable: boolean }>(
    sqlFile('catalogue/coverage-readable.sql'),
    [oid],
  );
  if (allowed.rows[0]?.readable !== true) return 'unknown';
  const { rows } = await client.query<{ older: boolean; same: boolean; more: boolean }>(
    renderSql('coverage-attached', { schema, table: name }),
    [oid, mostPages],
  );
  const [answer] = rows;
  if (answer?.older === true) return 'some';
  return answer === undefined || answer.same || answer.more ? 'unknown' : 'none';
}
