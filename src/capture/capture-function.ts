import pg from 'pg';
import type { CaptureNames } from './capture-names.ts';
import type { TableState } from './catalogue.ts';
import { type ImageShape, imageExpression, keyExpression } from './image-shape.ts';
import { renderFragment, renderSql, type SqlFragments } from './sql-file.ts';
import type { CapturedTable } from './target.ts';

/** What the capture function of one table depends on. */
export interface CaptureFunction {
  readonly names: CaptureNames;
  readonly table: TableState;
  readonly configured: CapturedTable;
  readonly shape: ImageShape;
  /** Of the database, as getdatabaseencoding() tells it. */
  readonly encoding: string;
  readonly witness: boolean;
  /** Both images of each UPDATE: until the images before are known of all rows that were there already. */
  readonly keepBefore: boolean;
}

/** `create or replace function` for one table's capture. */
export function captureFunctionSql(given: CaptureFunction): string {
  const { names, table, configured, shape, witness } = given;
  const { exclude = [], mask = [] } = configured;
  const values = {
    schema: names.schema,
    table: names.table,
    history: names.history,
    history_name: `${pg.escapeIdentifier(names.schema)}.${pg.escapeIdentifier(names.history)}`,
    function: names.function,
    encoding: given.encoding,
    shape: table.shape,
    key_index: table.key_index,
    key_definition: table.key_definition,
    partitions: textArray(sortedPartitions(table)),
    keep_before: String(given.keepBefore || shape.keyColumns.length === 0),
    excluded: textArray(exclude),
    masked: textArray(mask),
    // Where nothing is kept back, a column under a new name has nothing to hide either.
    known:
      exclude.length + mask.length === 0 ? null : textArray(table.columns.map(({ name }) => name)),
    image: `image_${shape.number}`,
    before: `before_${shape.number}`,
    number: freeName(table),
    object: witnessedName(names.schema, names.table),
  };
  const continues = configured.onFailure === 'continue';
  return renderSql('capture-function', values, {
    pinned_settings: pinnedSettings(given.encoding),
    begin: continues ? renderFragment('continue-begin', {}) : '',
    end: continues ? renderFragment('continue-end', {}) : '',
    read_state: renderFragment(witness ? 'read-state-witness' : 'read-state', values),
    capture_rows: captureRows(given, values),
    witness: witness ? `${renderFragment('witness', values)}\n${speak()}` : '',
  });
}

/** SET clauses that every function of ours has that runs with the owner's rights and holds the key. */
export function pinnedSettings(encoding: string): string {
  return renderFragment('pinned-settings', { encoding });
}

/** Statements that sign the variable `line` and write it to the server log. */
export function speak(): string {
  return renderFragment('speak', {});
}

function captureRows(given: CaptureFunction, values: Readonly<Record<string, string | null>>) {
  const { names, table, shape, witness } = given;
  const images = {
    new_image: imageExpression(names, shape, 'r'),
    old_image: imageExpression(names, shape, 'o'),
  };
  const statement: SqlFragments = witness
    ? {
        ...images,
        stored: 'with stored as (\n      ',
        tell: told(values, false),
        tell_paired: told(values, true),
      }
    : { ...images, stored: '', tell: '', tell_paired: '' };
  const rows = renderFragment('capture-rows', values, statement);
  if (shape.keyColumns.length === 0 || given.keepBefore) return rows;
  const keys = {
    old_key: keyExpression(table, shape, 'o'),
    new_key: keyExpression(table, shape, 'r'),
  };
  return `${renderFragment('tell-key-change', values, keys)}\n${rows}`;
}

/** What the line tells of the rows just stored. */
function told(values: Readonly<Record<string, string | null>>, paired: boolean): string {
  const image = pg.escapeIdentifier(values['image'] ?? '');
  const before = pg.escapeIdentifier(values['before'] ?? '');
  const digest = rowDigest(
    'id',
    paired
      ? `record_send(${image}) || coalesce(record_send(${before}), '')`
      : `record_send(${image})`,
  );
  return `returning id, xmin, ${image}${paired ? `, ${before}` : ''}
      )
      select count(*), min(id), max(id), min(xmin::text),
          bit_xor(('x' || encode(${digest}, 'hex'))::bit(128))
        into row_count, first_id, last_id, subtransaction, images
        from stored`;
}

/**
 * The digest of one row of history: of its id and of the binary form of its images. Keyed, since the
 * digests of a statement's rows are added up (XOR MAC: Bellare, Guerin, Rogaway, CRYPTO 1995), so that
 * it takes no memory however many rows there are.
 */
export function rowDigest(id: string, images: string): string {
  return `sha256(inner_pad || 'r' || int8send(${id}) || ${images})`;
}

/** A literal of type text[]. */
export function textArray(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`).join(',')}}`;
}

/** As regclass writes them, in the order of their bytes, as pgwitness.places_of compares them. */
function sortedPartitions(table: TableState): string[] {
  return table.partitions
    .map(({ text }) => text)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** A name for the row's number that no column has. */
function freeName(table: TableState): string {
  let name = 'number';
  while (table.columns.some((column) => column.name === name)) name += '_';
  return name;
}

/** As quote_ident would, keywords aside. */
function quoteIdent(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : pg.escapeIdentifier(name);
}

/** A field of pgaudit's line: in double quotes where it holds a comma, a quote or a newline. */
function csvField(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** The name of a table in a witness line. */
export function witnessedName(schema: string, name: string): string {
  return csvField(`${quoteIdent(schema)}.${quoteIdent(name)}`);
}
