import pg from 'pg';
import { textArray } from './capture-function.ts';
import type { CaptureNames } from './capture-names.ts';
import type { ImageAttribute, ShapeRecord } from './catalogue.ts';

/** What is to be found and replaced in the history of one table. */
export interface Sought {
  readonly names: CaptureNames;
  /** Of all images in its history, oldest first. */
  readonly shapes: readonly ShapeRecord[];
  /** The key's columns as asked for. */
  readonly key: readonly string[];
  /** Columns to replace. */
  readonly columns: readonly string[];
}

/** Types that can hold a token, as an image has them; what an older image holds in another becomes null. */
const textTypes: ReadonlySet<string> = new Set(['text', 'character varying', 'bpchar']);

const isToken = "~ '^token:[0-9a-f]{32}$'";

/** `"public"."users_history"`. */
export function historyName({ schema, history }: CaptureNames): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(history)}`;
}

/** Whether images of this shape tell the key asked for; with `renamed` only by their columns' places. */
export function keyIn(
  { attributes, key_columns }: ShapeRecord,
  key: readonly string[],
): 'named' | 'renamed' | 'untold' {
  if (key.every((name) => attributes.some((attribute) => attribute.name === name))) return 'named';
  return key_columns.length === key.length ? 'renamed' : 'untold';
}

/** Types of the key's columns in the newest image that holds them as values; undefined for text. */
export function keyTypes({ shapes, key }: Sought): (string | undefined)[] {
  return key.map((name) => {
    const held = [...shapes].reverse().flatMap(({ attributes }) => {
      const attribute = attributes.find((candidate) => candidate.name === name);
      return attribute === undefined ? [] : [attribute];
    })[0];
    return held?.as === 'value' ? held.type : undefined;
  });
}

/** The key asked for ($1, $2, …, of these types) as `keyOf` writes it: `{42,eu}`. */
export function askedKeySql(sought: Sought, types: readonly (string | undefined)[]): string {
  const tokens = tokenPlaces(sought);
  const parts = types.map((type, index) => {
    const given = `$${index + 1}::text`;
    const text = type === undefined ? given : asText(`${given}::${type}`, type);
    return tokens.includes(index + 1) ? `pgwitness.pseudonym(${text})` : text;
  });
  return `select array[${parts.join(', ')}]::text as key`;
}

/**
 * Rows of history under any of the keys $1, in their order. With `first` also those that are not as capture writes
 * them, without a key.
 */
export function subjectRowsSql(sought: Sought, first: boolean): string {
  const numbers = sought.shapes.map(({ number }) => number);
  const held = [
    ...numbers.flatMap((number) => [`image_${number}`, `before_${number}`]),
    'drifted',
  ].map((part) => `case when num_nonnulls(h.${part}) = 1 then '${part}' end`);
  return `
    select h.id::text as id, coalesce(h.position, h.id)::text as place, h.operation, h.xid || ' ' || h.changed_at as statement,
      case when isfinite(h.changed_at) then (extract(epoch from h.changed_at) * 1000000)::bigint::text end
        as moment,
      k.key, k.key_before,
      concat_ws(',', ${held.join(', ')}) as parts
    from ${historyName(sought.names)} h
    cross join lateral (
      select ${keyOf(sought, 'image', 'values')} as key, ${keyOf(sought, 'before', 'before')} as key_before
    ) k
    where k.key = any ($1::text[]) or k.key_before = any ($1::text[])
      ${first ? 'or (num_nonnulls(h.drifted) = 1 and k.key is null)' : ''}
    order by coalesce(h.position, h.id), h.id`;
}

/**
 * How often each column holds what is to be replaced (`pending`), by null where `emptied`, and how often a
 * token, in the rows $1; and, where the column is null, how many rows hold anything to be replaced.
 */
export function examineSql(sought: Sought): string {
  const values = imagesOf(sought).flatMap(({ part, attributes }) =>
    attributes.map(({ name, emptied }) => {
      const value = field(part, name);
      const text = emptied ? `case when ${value} is not null then '' end` : `${value}::text`;
      return `(${pg.escapeLiteral(name)}, ${emptied}, ${text})`;
    }),
  );
  const drifted = ['values', 'before'].map(
    (part) => `
      select d.key, false, d.value
      from json_each_text(
        case when json_typeof(h.drifted -> '${part}') = 'object' then h.drifted -> '${part}' end
      ) d
      where d.key = any (${columnList(sought)})`,
  );
  const sources = values.length === 0 ? drifted : [`values ${values.join(', ')}`, ...drifted];
  return `
    select v.name, v.emptied,
      count(*) filter (where v.value is not null and not v.value ${isToken})::int as pending,
      count(*) filter (where v.value ${isToken})::int as tokens,
      count(distinct h.id) filter (where v.value is not null and not v.value ${isToken})::int as rows
    from ${historyName(sought.names)} h
    cross join lateral (${sources.join(' union all ')}) v (name, emptied, value)
    where ${amongIds}
    group by grouping sets ((v.name, v.emptied), ())`;
}

/** Columns of drifted images in the rows $1. */
export function driftedColumnsSql({ names }: Sought): string {
  return `
    select distinct d.name
    from ${historyName(names)} h
    cross join lateral json_object_keys(
      case when json_typeof(h.drifted -> 'values') = 'object' then h.drifted -> 'values' end
    ) d (name)
    where ${amongIds}`;
}

/**
 * Replaces what is to be replaced in the rows $1, whose images are in `parts`; undefined where nothing in
 * these parts is. Nothing but ids goes with it: the statement is written to the log.
 */
export function replaceSql(sought: Sought, parts: readonly string[]): string | undefined {
  const sets: string[] = [];
  const pending: string[] = [];
  for (const { part, attributes } of imagesOf(sought)) {
    if (!parts.includes(part)) continue;
    for (const { name, as, emptied } of attributes) {
      if (as === 'token') continue;
      const value = field(part, name);
      const replacement = emptied ? 'null' : `pgwitness.pseudonym(${value})`;
      sets.push(`${part}.${pg.escapeIdentifier(name)} = ${replacement}`);
      pending.push(emptied ? `${value} is not null` : `${value} !${isToken}`);
    }
  }
  if (parts.includes('drifted')) {
    const made = `pgwitness.drifted_pseudonyms(h.drifted, ${columnList(sought)})`;
    sets.push(`drifted = ${made}`);
    pending.push(`h.drifted::text <> ${made}::text`);
  }
  if (sets.length === 0) return undefined;
  return `update ${historyName(sought.names)} h set ${sets.join(', ')}
    where ${amongIds} and (${pending.join(' or ')})`;
}

/** The bounds go by the index, which knows only where in the table ids from one to another are. */
const amongIds = 'h.id between $2::bigint and $3::bigint and h.id = any ($1::bigint[])';

/** Every image of history with the columns in it that are to be replaced. */
function imagesOf({ shapes, columns }: Sought) {
  return shapes.flatMap((shape) => {
    const attributes = shape.attributes
      .filter(({ name }) => columns.includes(name))
      .map(({ name, type, as }) => ({ name, as, emptied: !textTypes.has(type) }));
    return ['image', 'before'].map((side) => ({ part: `${side}_${shape.number}`, attributes }));
  });
}

function columnList({ columns }: Sought): string {
  return `${pg.escapeLiteral(textArray(columns))}::text[]`;
}

function field(part: string, name: string): string {
  return `(h.${part}).${pg.escapeIdentifier(name)}`;
}

/** A row's key as the text of an array of texts, so that it is the same whatever type a column had when. */
function keyOf(sought: Sought, side: 'image' | 'before', part: 'values' | 'before'): string {
  const { shapes, key } = sought;
  const tokens = tokenPlaces(sought);
  const cases = [...shapes].reverse().flatMap((shape) => {
    const told = keyIn(shape, key);
    if (told === 'untold') return [];
    const column = `${side}_${shape.number}`;
    const parts = (told === 'named' ? key : shape.key_columns).map((name, index) => {
      const attribute = shape.attributes.find((candidate) => candidate.name === name);
      if (attribute === undefined) return 'null';
      const text = asText(field(column, name), attribute.type);
      return tokens.includes(index + 1) ? `pgwitness.pseudonym(${text})` : text;
    });
    return `when num_nonnulls(h.${column}) = 1 then array[${parts.join(', ')}]::text`;
  });
  const names = `${pg.escapeLiteral(textArray(key))}::text[]`;
  return `case ${cases.join(' ')}
    else pgwitness.drifted_key_text(h.drifted, '${part}', ${names}, '{${tokens.join(',')}}'::int[]) end`;
}

/**
 * Places of the key's columns, from 1, of which an image may hold a token: compared as tokens, a row is
 * found before and after it was pseudonymized, and where a column was masked from some day on.
 */
function tokenPlaces({ shapes, key, columns }: Sought): number[] {
  const masked = (name: string) =>
    shapes.some(({ attributes }) =>
      attributes.some(
        (attribute: ImageAttribute) => attribute.name === name && attribute.as === 'token',
      ),
    );
  return key.flatMap((name, index) => (columns.includes(name) || masked(name) ? [index + 1] : []));
}

/** As the type's own output writes it, equal values of a type alike; as pgwitness.drifted_key_text does. */
function asText(value: string, type: string): string {
  const text =
    type === 'numeric'
      ? `trim_scale(${value})`
      : type === 'bpchar'
        ? `rtrim(format('%s', ${value}), ' ')`
        : value;
  return `case when ${value} is not null then format('%s', ${text}) end`;
}
