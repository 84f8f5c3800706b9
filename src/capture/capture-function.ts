import { createHash } from 'node:crypto';
import pg from 'pg';
import type { CaptureNames } from './capture-names.ts';
import type { TableState } from './catalogue.ts';
import { type ImageShape, imageExpression, keyExpression } from './image-shape.ts';
import { renderFragment, renderSql } from './sql-file.ts';
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
    numbers: `{${table.columns.map(({ number }) => number).join(',')}}`,
    keep_before: String(given.keepBefore || shape.keyColumns.length === 0),
    excluded: textArray(exclude),
    masked: textArray(mask),
    // Where nothing is kept back, a column under a new name has nothing to hide either.
    known:
      exclude.length + mask.length === 0
        ? null
        : textArray(table.columns.map(({ number, name }) => `${number} ${name}`)),
    image: `image_${shape.number}`,
    before: `before_${shape.number}`,
    number: freeName(table),
    nesting: `pgwitness.nesting_${createHash('sha256').update(`${names.schema}.${names.table}`).digest('hex').slice(0, 16)}`,
    object: witnessedName(names.schema, names.table),
  };
  const continues = configured.onFailure === 'continue';
  return renderSql('capture-function', values, {
    pinned_settings: pinnedSettings(given.encoding),
    begin: continues ? renderFragment('continue-begin', {}) : '',
    end: continues ? renderFragment('continue-end', {}) : '',
    read_state: renderFragment(witness ? 'read-state-witness' : 'read-state', values),
    tell_nesting: renderFragment('tell-nesting', values),
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

function captureRows(given: CaptureFunction, values: Values): string {
  const { table, shape, keepBefore } = given;
  const rows = renderFragment('capture-rows', values, {
    insert_rows: insertion(given, values, 'insert-rows', false),
    insert_paired: insertion(given, values, 'insert-paired', false),
    nested_rows: insertion(given, values, 'insert-rows', true),
    nested_update: insertion(given, values, 'insert-paired', true),
  });
  if (shape.keyColumns.length === 0 || keepBefore) return rows;
  const keys = {
    old_key: keyExpression(table, shape, 'o'),
    new_key: keyExpression(table, shape, 'r'),
  };
  return `${renderFragment('tell-key-change', values, keys)}\n${rows}`;
}

type Values = Readonly<Record<string, string | null>>;

function insertion(
  given: CaptureFunction,
  values: Values,
  fragment: 'insert-rows' | 'insert-paired',
  placed: boolean,
): string {
  const { names, table, shape, witness } = given;
  const paired = fragment === 'insert-paired';
  return renderFragment(fragment, values, {
    new_image:
      paired && table.kind === 'p' && reachable(given)
        ? mergedImage(given)
        : imageExpression(names, shape, 'r'),
    old_image: imageExpression(names, shape, 'o'),
    // Apart, since what tells a place looks rows up, and costs a plan that never does.
    position_column: placed ? ', position' : '',
    position: placed ? `,\n        ${placeInOrder(given, paired)}` : '',
    stored: witness ? 'with stored as (\n      ' : '',
    tell: witness ? told(values, paired) : '',
  });
}

/**
 * The image of an updated row of a partitioned table. Of a MERGE that inserts a row and then updates others,
 * Postgres (14 to 18) gives the inserted row as the new one of each update: it keeps the tuple that it routed
 * (tcs_original_insert_tuple) longer than it should. It shows in a key that seems to have changed, while no
 * updated row has the old one and the table still has it: that row is the one.
 */
function mergedImage({ names, shape }: CaptureFunction): string {
  const key = shape.keyColumns.map((name) => pg.escapeIdentifier(name));
  const same = (a: string, b: string) =>
    key.map((column) => `${a}.${column} = ${b}.${column}`).join(' and ');
  const table = `${pg.escapeIdentifier(names.schema)}.${pg.escapeIdentifier(names.table)}`;
  return `coalesce(
        (
          select ${imageExpression(names, shape, 'l')} from ${table} l
          where ${same('l', 'o')} and not (${same('r', 'o')})
            and not exists (select from captured_rows c where ${same('c', 'o')})
        ),
        ${imageExpression(names, shape, 'r')}
      )`;
}

/** Whether the table's rows can be looked up by key from its own trigger. */
function reachable({ table, shape }: CaptureFunction): boolean {
  const native = shape.keyColumns.every(
    (name) => shape.attributes.find((attribute) => attribute.name === name)?.as === 'value',
  );
  return shape.keyColumns.length > 0 && native && !table.forced_row_security;
}

/**
 * The place of a row amid whose statement others ran: before them. But not of an inserted one for which a
 * BEFORE trigger made room by a statement of its own; and where the place was taken already, only of a row
 * that is no longer as this statement left it.
 */
function placeInOrder(given: CaptureFunction, updated: boolean): string {
  const { names, shape } = given;
  if (!reachable(given)) return 'case when not taken then nested end';
  const key = shape.keyColumns.map((name) => pg.escapeIdentifier(name));
  const keys = (prefix: (column: string) => string) => key.map(prefix).join(', ');
  const identifier = (name: string) =>
    `${pg.escapeIdentifier(names.schema)}.${pg.escapeIdentifier(name)}`;
  const stands = `exists (
            select from ${identifier(names.table)} l
            where ${key.map((column) => `l.${column} = r.${column}`).join(' and ')}`;
  const same = `${imageExpression(names, shape, 'l')} *= ${imageExpression(names, shape, 'r')}`;
  if (updated) {
    return `case
          when nested is null or not taken then nested
          when not ${stands} and ${same}
          ) then nested
        end`;
  }
  return `case
          when nested is null then null
          when tg_op = 'DELETE' then case when not taken or ${stands}
          ) then nested end
          when not ${stands} and ${same}
          ) then nested
          when not taken and (${keys((column) => `r.${column}`)}) not in (
            select ${keys((column) => `(h.image_${shape.number}).${column}`)}
            from ${identifier(names.history)} h
            where h.id >= nested and h.xid = transaction and h.operation = 'DELETE'
              and num_nonnulls(h.image_${shape.number}) = 1
          ) then nested
        end`;
}

/** What the line tells of the rows just stored. */
function told(values: Values, paired: boolean): string {
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
