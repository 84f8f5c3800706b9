import pg from 'pg';
import type { Picks } from './picks.ts';
import type { SeenColumn, SeenSchema, SeenTable } from './seen-schema.ts';
import { castLiteral, type ValueKind, valueKinds } from './value-kinds.ts';

/** What a statement is rendered with. */
export interface Rendering {
  readonly picks: Picks;
  readonly seen: SeenSchema;
  /** The schema as an identifier. */
  readonly schema: string;
  /** As server_version_num. */
  readonly version: number;
  /** Number of the step, for names that are taken by no other. */
  readonly step: number;
}

/** What is sent to the server at once. */
export interface Statement {
  readonly sql: string;
  /** Of a COPY … FROM STDIN: its rows in text format. */
  readonly data?: string;
  /** Of a statement that is prepared and bound by the driver. */
  readonly values?: readonly (string | null)[];
}

/** One INSERT, UPDATE, DELETE or upsert, without its end. */
export function renderDml(given: Rendering): string {
  const render = given.picks.of([
    ...[renderInsert, renderInsert, renderUpdate, renderUpdate, renderDelete],
    ...[renderUpsert, renderInsertSelect],
  ]);
  return render(given);
}

export function renderInsert(given: Rendering): string {
  const table = pickTable(given);
  const columns = insertable(given, table);
  return `insert into ${name(given, table)} ${values(given, table, columns, 1 + given.picks.below(4))}`;
}

export function renderInsertSelect(given: Rendering): string {
  const table = pickTable(given);
  const columns = insertable(given, table);
  const from = 10 + given.picks.below(20);
  const row = columns.map((column) =>
    isInteger(column) && column.small ? 'i' : value(given, column),
  );
  const rows = given.picks.of([2, 5, 50, 400]);
  return `insert into ${name(given, table)} (${list(columns)})${overriding(columns)} select ${row.join(', ')} from generate_series(${from}, ${from + rows - 1}) as i${given.picks.chance(70) ? ' on conflict do nothing' : ''}`;
}

export function renderUpsert(given: Rendering): string {
  const table = pickTable(given);
  if (table.key.length === 0 || table.keyDeferrable) return renderInsert(given);
  const columns = insertable(given, table, true);
  const set = settable(table).filter(({ name }) => !table.key.includes(name));
  const arbiter = table.key.map((column) => pg.escapeIdentifier(column)).join(', ');
  const insert = `insert into ${name(given, table)} as target ${values(given, table, columns, 1 + given.picks.below(3))}`;
  const sets = given.picks.some(set, 1);
  if (sets.length === 0 || given.picks.chance(15)) return `${insert} on conflict do nothing`;
  const update = sets.map(({ name }) => pg.escapeIdentifier(name));
  const where = given.picks.chance(20) ? ` where ${random(given, table, 'target.')}` : '';
  return `${insert} on conflict (${arbiter}) do update set ${update.map((column) => `${column} = excluded.${column}`).join(', ')}${where}`;
}

export function renderUpdate(given: Rendering): string {
  const table = pickTable(given);
  const { picks } = given;
  const candidates = settable(table);
  const ordinary = candidates.filter(({ small }) => !small);
  // Keys change too, but not in most statements.
  const among = picks.chance(25) || ordinary.length === 0 ? candidates : ordinary;
  const columns = picks.some(among, 1).slice(0, 3);
  if (columns.length === 0) return renderDelete(given);
  const sets = columns.map((column) => {
    const identifier = pg.escapeIdentifier(column.name);
    if (picks.chance(15)) return `${identifier} = ${identifier}`;
    if (isInteger(column) && picks.chance(30)) return `${identifier} = ${identifier} + 1`;
    if (column.hasDefault && picks.chance(15)) return `${identifier} = default`;
    return `${identifier} = ${value(given, column)}`;
  });
  return `update ${only(given, table)}${name(given, table)} set ${sets.join(', ')}${where(given, table)}`;
}

export function renderDelete(given: Rendering): string {
  const table = pickTable(given);
  return `delete from ${only(given, table)}${name(given, table)}${where(given, table)}`;
}

export function renderMerge(given: Rendering): string {
  const table = pickTable(given);
  const { picks, version } = given;
  // MERGE came with Postgres 15.
  if (version < 150000 || table.key.length === 0) return renderUpsert(given);
  const columns = insertable(given, table, true).filter(({ identity }) => identity !== 'a');
  const key = columns.filter((column) => table.key.includes(column.name));
  if (key.length === 0) return renderUpsert(given);
  const rows = Array.from(
    { length: 1 + picks.below(4) },
    () => `(${columns.map((column) => value(given, column)).join(', ')})`,
  );
  const on = key
    .map(({ name }) => pg.escapeIdentifier(name))
    .map((column) => `target.${column} = source.${column}`)
    .join(' and ');
  const sets = picks
    .some(
      settable(table).filter((column) => columns.includes(column) && !key.includes(column)),
      1,
    )
    .map(({ name }) => pg.escapeIdentifier(name))
    .map((column) => `${column} = source.${column}`);
  const update = sets.length === 0 ? 'do nothing' : `update set ${sets.join(', ')}`;
  const insert = `insert (${list(columns)}) values (${columns.map(({ name }) => `source.${pg.escapeIdentifier(name)}`).join(', ')})`;
  const whens = [
    picks.chance(30) ? `when matched and ${random(given, table, 'target.')} then delete` : '',
    `when matched then ${picks.chance(15) ? 'delete' : update}`,
    `when not matched then ${picks.chance(10) ? 'do nothing' : insert}`,
    version >= 170000 && picks.chance(20)
      ? `when not matched by source and ${random(given, table, 'target.')} then ${picks.of(['delete', 'do nothing'])}`
      : '',
  ];
  return `merge into ${name(given, table)} as target using (values ${rows.join(', ')}) as source (${list(columns)}) on ${on} ${whens.filter(Boolean).join(' ')}`;
}

/** COPY … FROM STDIN: the rows travel apart from the statement. */
export function renderCopy(given: Rendering): Statement {
  const table = pickTable(given);
  const columns = table.columns.filter(({ generated }) => !generated);
  const copied = (text: string | null) =>
    text === null
      ? '\\N'
      : text
          .replaceAll('\\', '\\\\')
          .replaceAll('\t', '\\t')
          .replaceAll('\n', '\\n')
          .replaceAll('\r', '\\r');
  const rows = Array.from({ length: 1 + given.picks.below(5) }, () =>
    columns.map((column) => copied(text(given, column))).join('\t'),
  );
  return {
    sql: `copy ${name(given, table)} (${list(columns)}) from stdin`,
    data: rows.map((row) => `${row}\n`).join(''),
  };
}

/** An INSERT or UPDATE whose values the driver binds. */
export function renderBound(given: Rendering): Statement {
  const table = pickTable(given);
  const columns = insertable(given, table, true);
  const values = columns.map((column) => text(given, column));
  const parameters = columns.map((column, index) => `$${index + 1}::${typeOf(given, column)}`);
  return {
    sql: `insert into ${name(given, table)} (${list(columns)})${overriding(columns)} values (${parameters.join(', ')}) on conflict do nothing`,
    values,
  };
}

export function renderTruncate(given: Rendering): string {
  const { picks, seen } = given;
  const tables = [pickTable(given), ...picks.some(seen.tables.filter(isCaptured).slice(0, 2))];
  const names = [...new Set(tables.map((table) => name(given, table)))];
  return `truncate ${names.join(', ')}${picks.chance(20) ? ' restart identity' : ''} cascade`;
}

/** A table that is captured now: one at the top, or, now and then, a partition of it. */
function pickTable({ picks, seen }: Rendering): SeenTable {
  const captured = seen.tables.filter(isCaptured);
  const tops = captured.filter(({ parent }) => parent === null);
  const parts = captured.filter(({ parent }) => parent !== null);
  return picks.of(parts.length > 0 && picks.chance(25) ? parts : tops);
}

/** Whether a write that names it is to be in history. */
export function isCaptured(table: SeenTable): boolean {
  return table.captured.length > 0;
}

export function name(given: Pick<Rendering, 'schema'>, table: { readonly name: string }): string {
  return `${given.schema}.${pg.escapeIdentifier(table.name)}`;
}

function only({ picks }: Rendering, table: SeenTable): string {
  return !table.partitioned && picks.chance(10) ? 'only ' : '';
}

function list(columns: readonly { readonly name: string }[]): string {
  return columns.map(({ name }) => pg.escapeIdentifier(name)).join(', ');
}

function insertable({ picks }: Rendering, table: SeenTable, all = false): SeenColumn[] {
  const columns = table.columns.filter(({ generated }) => !generated);
  if (all || picks.chance(60)) return columns;
  const some = columns.filter(
    ({ notNull, identity, small }) => (notNull && identity === '') || small || picks.chance(50),
  );
  return some.length > 0 ? some : columns;
}

function settable(table: SeenTable): SeenColumn[] {
  return table.columns.filter(({ generated, identity }) => !generated && identity !== 'a');
}

function overriding(columns: readonly SeenColumn[]): string {
  return columns.some(({ identity }) => identity === 'a') ? ' overriding system value' : '';
}

function values(
  given: Rendering,
  _table: SeenTable,
  columns: readonly SeenColumn[],
  count: number,
): string {
  const rows = Array.from({ length: count }, () =>
    columns.map((column) =>
      (column.hasDefault || column.identity !== '') && given.picks.chance(25)
        ? 'default'
        : value(given, column),
    ),
  );
  return `(${list(columns)})${overriding(columns)} values ${rows.map((row) => `(${row.join(', ')})`).join(', ')}`;
}

function where(given: Rendering, table: SeenTable): string {
  const { picks } = given;
  switch (picks.below(8)) {
    case 6:
      return '';
    case 7:
      return ` where ctid = any (array(select ctid from ${name(given, table)} limit ${1 + picks.below(3)}))`;
    default:
      return ` where ${random(given, table, '')}`;
  }
}

/** A condition that some rows meet. */
function random(given: Rendering, table: SeenTable, prefix: string): string {
  const { picks } = given;
  const key = table.columns.filter((column) => table.key.includes(column.name));
  const column = picks.of(key.length > 0 && picks.chance(70) ? key : table.columns);
  const identifier = `${prefix}${pg.escapeIdentifier(column.name)}`;
  if (!isKeyKind(column)) return `${identifier} is ${picks.of(['not null', 'null'])}`;
  const operator = picks.of(['=', '=', '<=', '<>', '>']);
  return `${identifier} ${operator} ${value(given, column)}`;
}

function kindOf(column: SeenColumn): ValueKind | undefined {
  return valueKinds.find((kind) => kind.type.replace(/"((?:[^"]|"")+)"/, unquote) === column.type);
}

function unquote(quoted: string, inside: string): string {
  // "char" is Postgres's own and keeps its quotes.
  return quoted === '"char"' ? quoted : inside.replaceAll('""', '"');
}

function isKeyKind(column: SeenColumn): boolean {
  return kindOf(column)?.key === true;
}

export function isInteger({ type }: SeenColumn): boolean {
  return type === 'integer' || type === 'bigint' || type === 'smallint';
}

/** The type of a column as SQL. */
export function typeOf({ schema }: Pick<Rendering, 'schema'>, column: SeenColumn): string {
  if (!column.type.startsWith('@.')) return column.type;
  const array = column.type.endsWith('[]');
  const bare = column.type.slice(2, array ? -2 : undefined);
  return `${schema}.${pg.escapeIdentifier(bare)}${array ? '[]' : ''}`;
}

/** A value in its type's input syntax, or null. */
function text({ picks }: Rendering, column: SeenColumn): string | null {
  if (!column.notNull && picks.chance(12)) return null;
  if (column.small && isInteger(column)) return String(picks.below(10));
  const kind = kindOf(column);
  if (kind === undefined) return column.notNull ? '0' : null;
  return picks.of(column.small ? kind.values.slice(0, 5) : kind.values);
}

function value(given: Rendering, column: SeenColumn): string {
  // Long enough, and random enough, to be kept out of line.
  if (column.type === 'text' && !column.small && given.picks.chance(8)) {
    return `(select string_agg(md5(g::text || ${given.picks.below(9)}), '') from generate_series(1, ${given.picks.of([200, 900])}) as g)`;
  }
  const given_text = text(given, column);
  const type = typeOf(given, column);
  return given_text === null ? `null::${type}` : castLiteral(given_text, type);
}
