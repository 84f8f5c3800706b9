import type { BaselineRecord, Catalogue, TableState } from './catalogue.ts';
import type { CapturedName } from './target.ts';

/** What of a table holds rows, and so is read by its baselines: the table itself, or its partitions. */
export function leavesOf(table: TableState): readonly (CapturedName & { readonly oid: string })[] {
  if (table.kind !== 'p') return table.oid === null ? [] : [{ ...table, oid: table.oid }];
  return table.partitions.filter(({ kind }) => kind === 'r');
}

/** All baselines that were begun of a table, oldest first. */
export function baselinesOf({ records }: Catalogue, { schema, name }: CapturedName) {
  return records.baselines.filter(
    ({ table_schema, table_name }) => table_schema === schema && table_name === name,
  );
}

/** Those that read `oid`, oldest first: the last one is the one that counts. */
export function coversOf(records: readonly BaselineRecord[], oid: string): BaselineRecord[] {
  return records.filter(({ places }) => places[oid] !== undefined);
}

/**
 * Whether history has an image of every row that the table holds, in the form of today, so that the row
 * before an UPDATE needs not be kept with it. An image of an older form would do for most columns; what a
 * column that came since held before would not be told.
 */
export function hasBaseline(catalogue: Catalogue, table: TableState, shape: number): boolean {
  const records = baselinesOf(catalogue, table);
  return leavesOf(table).every(({ oid }) => {
    const newest = coversOf(records, oid).at(-1);
    return newest !== undefined && newest.completed_at !== null && newest.shape === shape;
  });
}

/** Since when before and after are told of each change of what `oid` holds, and what began it. */
export function holdsSince(
  records: readonly BaselineRecord[],
  oid: string,
): Pick<BaselineRecord, 'holds_since' | 'because'> | undefined {
  const covers = coversOf(records, oid);
  // Both images of each UPDATE were kept from the one that was asked for or that a new form called for on,
  // and the one before it held until then.
  const first = covers.findLastIndex(({ because }) => because !== 'asked' && because !== 'changed');
  return covers[Math.max(first, 0)];
}
