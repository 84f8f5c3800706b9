import pg from 'pg';
import { type CaptureNames, imageType } from './capture-names.ts';
import type {
  Catalogue,
  ColumnState,
  ImageAttribute,
  RelationState,
  ShapeRecord,
  TableState,
} from './catalogue.ts';
import type { CapturedTable } from './target.ts';

/** The form in which a table's images are kept from now on. */
export interface ImageShape {
  readonly number: number;
  readonly attributes: readonly ImageAttribute[];
  readonly keyColumns: readonly string[];
  /** Its type and columns are there already. */
  readonly exists: boolean;
  /** It is noted in pgwitness.image_shape. */
  readonly recorded: boolean;
}

/** Types in whose place a token can stand; a personal column of another type is kept as text. */
const textTypes = new Set(['text', 'character varying', 'bpchar']);

/**
 * Types whose equal values have one text (numbers: one number in jsonb, by which images are found). Of others,
 * such as interval, `1 day` equals `24 hours`, and a key that became the other has changed.
 */
const exactlyEqual = new Set([
  ...[
    'smallint',
    'integer',
    'bigint',
    'numeric',
    'real',
    'double precision',
    'oid',
    'uuid',
    'text',
  ],
  ...['character varying', 'boolean', 'bytea', 'date', 'timestamp without time zone'],
  'timestamp with time zone',
]);

/** The shape that the table asks for: the newest one where that is it, else the next. */
export function planShape(
  catalogue: Catalogue,
  table: TableState,
  configured: CapturedTable,
  names: CaptureNames,
  history: RelationState | undefined,
): ImageShape {
  const attributes = table.columns
    .filter(({ name }) => configured.exclude?.includes(name) !== true)
    .map((column) => attributeOf(column, configured));
  const excluded = table.key_columns.some((name) => configured.exclude?.includes(name) === true);
  // Half a key would take different rows for one.
  const keyColumns = excluded ? [] : table.key_columns;
  const known = knownShapes(catalogue, names);
  const newest = known.at(-1);
  const columns = new Map((history?.columns ?? []).map((column) => [column.name, column]));
  const taken = imageNumbers(history);
  const wanted = { attributes, keyColumns };
  if (newest !== undefined && sameShape(newest, wanted) && holds(columns, newest)) {
    return { ...wanted, number: newest.number, exists: true, recorded: true };
  }
  const last = Math.max(0, ...taken);
  // The notes were lost, and history was not.
  if (known.length === 0 && last > 0 && holds(columns, { number: last, attributes })) {
    return { ...wanted, number: last, exists: true, recorded: false };
  }
  const number = Math.max(last, ...known.map((shape) => shape.number)) + 1;
  return { ...wanted, number, exists: false, recorded: false };
}

/** The numbers of the images that history has columns for. */
export function imageNumbers(history: RelationState | undefined): number[] {
  const found = (history?.columns ?? []).flatMap(({ name }) => {
    const number = /^(?:image|before)_([1-9][0-9]{0,8})$/.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
  return [...new Set(found)].sort((a, b) => a - b);
}

/** The shapes of all images that its history may hold, oldest first. */
export function knownShapes(catalogue: Catalogue, names: CaptureNames): ShapeRecord[] {
  return catalogue.records.shapes.filter(
    (shape) => shape.table_schema === names.schema && shape.table_name === names.table,
  );
}

/** `"schema"."users_image_1"`. */
export function typeName(names: CaptureNames, number: number): string {
  return `${pg.escapeIdentifier(names.schema)}.${pg.escapeIdentifier(imageType(names, number))}`;
}

/** `"id" bigint, "email" text`: what `create type … as ( )` takes. */
export function typeAttributes(attributes: readonly ImageAttribute[]): string {
  return attributes.map(({ name, type }) => `${pg.escapeIdentifier(name)} ${type}`).join(', ');
}

/** The image of a row as an expression; `alias` is the row's. */
export function imageExpression(names: CaptureNames, shape: ImageShape, alias: string): string {
  const values = shape.attributes.map((attribute) => attributeValue(attribute, alias));
  return `row(${values.join(', ')})::${typeName(names, shape.number)}`;
}

/** The key of a row as an expression that tells any two keys apart, whatever their collation. */
export function keyExpression(table: TableState, shape: ImageShape, alias: string): string {
  const values = shape.keyColumns.map((name) => {
    const column = table.columns.find((candidate) => candidate.name === name);
    const attribute = shape.attributes.find((candidate) => candidate.name === name);
    if (column === undefined || attribute === undefined) throw new Error(`no key column ${name}`);
    if (attribute.as !== 'value' || !exactlyEqual.has(column.stored)) return asText(alias, name);
    const collation = column.collatable ? ' collate "C"' : '';
    return `${alias}.${pg.escapeIdentifier(name)}${collation}`;
  });
  return values.length === 1 ? (values[0] ?? '') : `row(${values.join(', ')})`;
}

function attributeOf(column: ColumnState, configured: CapturedTable): ImageAttribute {
  const { name, stored, native } = column;
  if (configured.mask?.includes(name) === true) return { name, type: 'text', as: 'token' };
  const replaceable = configured.personal?.includes(name) !== true || textTypes.has(stored);
  return native && replaceable
    ? { name, type: stored, as: 'value' }
    : { name, type: 'text', as: 'text' };
}

function attributeValue({ name, as }: ImageAttribute, alias: string): string {
  if (as === 'value') return `${alias}.${pg.escapeIdentifier(name)}`;
  return as === 'text' ? asText(alias, name) : `pgwitness.token(${asText(alias, name)})`;
}

/** By its type's own output: a cast to text may be code of the type's owner. */
function asText(alias: string, name: string): string {
  const column = `${alias}.${pg.escapeIdentifier(name)}`;
  return `case when num_nonnulls(${column}) = 1 then format('%s', ${column}) end`;
}

function sameShape(
  record: ShapeRecord,
  wanted: Pick<ImageShape, 'attributes' | 'keyColumns'>,
): boolean {
  const plain = (attributes: readonly ImageAttribute[]) =>
    JSON.stringify(attributes.map(({ name, type, as }) => [name, type, as]));
  return (
    plain(record.attributes) === plain(wanted.attributes) &&
    JSON.stringify(record.key_columns) === JSON.stringify(wanted.keyColumns)
  );
}

/** Whether history has the columns of a shape, of a type with its attributes. */
function holds(
  columns: ReadonlyMap<string, RelationState['columns'][number]>,
  { number, attributes }: Pick<ShapeRecord, 'number' | 'attributes'>,
): boolean {
  const expected = JSON.stringify(attributes.map(({ name, type }) => [name, type]));
  return [`image_${number}`, `before_${number}`].every(
    (name) => JSON.stringify(columns.get(name)?.attributes ?? []) === expected,
  );
}
