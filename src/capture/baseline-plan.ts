import pg from 'pg';
import { baselinesOf, leavesOf } from './baseline-cover.ts';
import { textArray } from './capture-function.ts';
import { captureNames, showName } from './capture-names.ts';
import { type BaselineReason, type Catalogue, nameKey, type TableState } from './catalogue.ts';
import type { ImageShape } from './image-shape.ts';
import type { PlannedObject } from './planned-object.ts';
import { renderSql } from './sql-file.ts';
import type { CapturedName } from './target.ts';

/** What of a table was written to uncaptured, or may have been. */
export interface Interruption {
  /** All of it; else the partitions that `places` names. */
  readonly whole: boolean;
  readonly places: readonly CapturedName[];
}

/**
 * The baseline that install begins in the transaction in which it makes or repairs triggers. That one holds
 * off all writers, so that whatever is written after it is captured, and what was there before is what the
 * baseline has to read.
 */
export function planBaseline(
  catalogue: Catalogue,
  table: TableState,
  shape: ImageShape,
  { whole, places }: Interruption,
): { readonly begins: boolean; readonly objects: PlannedObject[] } {
  const name = `baseline of ${showName(table.schema, table.name)}`;
  const base = { kind: 'record' as const, name, undo: [] };
  const leaves = leavesOf(table);
  const taken = baselinesOf(catalogue, table);
  const off = whole
    ? leaves
    : leaves.filter((leaf) => places.some((place) => nameKeyOf(place) === nameKeyOf(leaf)));
  if (off.length === 0) {
    return {
      begins: false,
      objects: taken.length === 0 ? [] : [{ ...base, action: 'unchanged', sql: [] }],
    };
  }
  const known = off.filter(({ oid }) => taken.some((record) => record.places[oid] !== undefined));
  const because: BaselineReason =
    taken.length === 0 ? 'installed' : known.length > 0 || whole ? 'interrupted' : 'partition';
  const why = {
    installed: {},
    interrupted: { why: 'capture was off, and rows may have changed meanwhile' },
    partition: { why: `${off.length} of its partitions came since` },
  }[because];
  const object: PlannedObject = {
    ...base,
    ...why,
    action: taken.length === 0 ? 'create' : 'change',
    sql: [beginBaselineSql(table, shape, { because, places: whole ? null : off, fenced: true })],
    // Of a table that is partitioned it locks the partitions too.
    ...(whole ? { locks: sqlName(table) } : {}),
  };
  return { begins: true, objects: [object] };
}

/** Begins a baseline of these partitions, or of the whole table where `places` is null. */
export function beginBaselineSql(
  table: CapturedName,
  shape: ImageShape,
  begun: {
    readonly because: BaselineReason;
    readonly places: readonly CapturedName[] | null;
    /** No writer is at work that does not know of it. */
    readonly fenced: boolean;
  },
): string {
  return renderSql('baseline-begin', {
    schema: table.schema,
    table: table.name,
    history: captureNames(table).history,
    shape: String(shape.number),
    because: begun.because,
    places: begun.places === null ? null : textArray(begun.places.map(sqlName)),
    fenced: String(begun.fenced),
    keyed: String(shape.keyColumns.length > 0),
  });
}

function sqlName({ schema, name }: CapturedName): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
}

function nameKeyOf({ schema, name }: CapturedName): string {
  return nameKey(schema, name);
}
