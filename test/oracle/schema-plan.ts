import fc from 'fast-check';
import pg from 'pg';
import { castLiteral, typesDdl, type ValueKind, valueKinds } from './value-kinds.ts';

/** What a schema is to look like, without SQL, so that fast-check can make it smaller. */
export interface SchemaPlan {
  /** Stands behind the schema's name. */
  readonly suffix: string;
  readonly tables: readonly TablePlan[];
}

interface TablePlan {
  /** Stands behind `t0`, `t1`, …: the table's number is told by its name, however often it is renamed. */
  readonly suffix: string;
  readonly key: (typeof keys)[number];
  readonly partition: (typeof partitions)[number];
  readonly columns: readonly ColumnPlan[];
  readonly reference: ReferencePlan | null;
  readonly trigger: (typeof triggers)[number];
}

interface ColumnPlan {
  readonly name: string;
  readonly kind: ValueKind;
  readonly more: 'none' | 'default' | 'not null' | 'external' | 'generated';
}

interface ReferencePlan {
  /** The table itself, instead of the one made before it. */
  readonly self: boolean;
  readonly onDelete: string;
  readonly onUpdate: string;
  readonly deferred: boolean;
}

const keys = [
  ...(['integer', 'none', 'identity', 'always', 'composite'] as const),
  ...(['text', 'uuid', 'deferrable', 'kind'] as const),
];
const partitions = ['none', 'range', 'list', 'hash', 'range, list', 'list, hash'] as const;
const triggers = ['none', 'before', 'skip', 'after'] as const;

const suffixes = [
  '',
  ' x',
  '"q"',
  "'a",
  '\\b',
  '$$',
  '$capture$',
  'Ünï',
  '日本',
  '%I',
  ':s',
  '.d',
  '\n',
];

/** Names that code which makes SQL stumbles over: quotes of every kind, keywords, and capture's own words. */
export const columnNames = [
  ...[
    'c',
    'Ünï',
    'sp ace',
    'quo"te',
    "apo'strophe",
    'back\\slash',
    'do$$llar',
    'select',
    'v:x',
    '%I',
  ],
  ...[
    'id',
    'operation',
    'image',
    'row_key',
    'captured_rows',
    'old',
    'new',
    'tg_op',
    'before',
    'after',
  ],
  ...[
    'changed',
    'xid',
    'key',
    'value',
    'h',
    'row',
    'user',
    'a.b',
    '日本',
    'x'.repeat(63),
    'n,m',
    '{}',
  ],
];

const columnPlan = fc.record<ColumnPlan>({
  name: fc.constantFrom(...columnNames),
  kind: fc.constantFrom(...valueKinds),
  more: fc.constantFrom('none', 'none', 'default', 'not null', 'external', 'generated'),
});

const action = fc.constantFrom('cascade', 'set null', 'set default', 'no action');

const tablePlan = fc.record<TablePlan>({
  suffix: fc.constantFrom(...suffixes),
  key: fc.constantFrom(...keys),
  partition: fc.oneof(
    { weight: 3, arbitrary: fc.constant<TablePlan['partition']>('none') },
    { weight: 2, arbitrary: fc.constantFrom(...partitions) },
  ),
  columns: fc.array(columnPlan, { minLength: 1, maxLength: 6 }),
  reference: fc.option(
    fc.record<ReferencePlan>({
      self: fc.boolean(),
      onDelete: action,
      onUpdate: action,
      deferred: fc.boolean(),
    }),
    { freq: 1 },
  ),
  trigger: fc.oneof(
    { weight: 3, arbitrary: fc.constant<TablePlan['trigger']>('none') },
    { weight: 1, arbitrary: fc.constantFrom(...triggers) },
  ),
});

/** Plans of one to three tables. */
export const schemaPlan = fc.record<SchemaPlan>({
  suffix: fc.constantFrom(...suffixes),
  tables: fc.array(tablePlan, { minLength: 1, maxLength: 3 }),
});

interface KeyColumn {
  readonly name: string;
  readonly type: string;
  readonly more: string;
}

/** A plan as SQL, to be run by the owner in order, and the names of the tables to capture. */
export function schemaDdl(
  plan: SchemaPlan,
  schema: string,
  version: number,
): { readonly statements: string[]; readonly tables: string[] } {
  const quoted = pg.escapeIdentifier(schema);
  const statements = typesDdl.map((ddl) => ddl.replaceAll('@.', () => `${quoted}.`));
  const made: { name: string; key: KeyColumn[] }[] = [];
  for (const [number, table] of plan.tables.entries()) {
    const name = `t${number}${table.suffix}`;
    const key = keyColumns(table);
    const before = table.reference?.self === true ? { name, key } : made.at(-1);
    const refers = table.reference === null || before === undefined ? null : { ...before };
    const referable = refers !== null && refers.key.length > 0 && table.key !== 'deferrable';
    statements.push(
      ...tableDdl(table, quoted, name, key, version),
      ...(referable ? referenceDdl(table, quoted, name, refers) : []),
      ...triggerDdl(table, quoted, name, key),
    );
    // A deferrable key can't be referred to.
    made.push({ name, key: table.key === 'deferrable' ? [] : key });
  }
  return {
    statements: statements.map((ddl) => ddl.replaceAll('@.', () => `${quoted}.`)),
    tables: made.map(({ name }) => name),
  };
}

/** What every table of a test has: whole old rows in the WAL, and the application's rights. */
export function openTable(table: string): string[] {
  return [
    `alter table ${table} replica identity full`,
    `grant select, insert, update, delete, truncate on ${table} to raptor_app`,
  ];
}

function keyColumns(table: TablePlan): KeyColumn[] {
  const id: KeyColumn = { name: 'id', type: 'integer', more: '' };
  const partition = table.partition
    .split(', ')
    .flatMap<KeyColumn>((by) =>
      by === 'range'
        ? [{ name: 'r', type: 'integer', more: '' }]
        : by === 'list'
          ? [{ name: 'l', type: 'text', more: '' }]
          : [],
    );
  const partitioned = table.partition !== 'none';
  switch (table.key) {
    case 'none':
      return [];
    case 'identity':
    case 'always': {
      if (partitioned) return [id, ...partition];
      const how = table.key === 'always' ? 'always' : 'by default';
      return [{ ...id, more: `generated ${how} as identity` }];
    }
    case 'composite':
      return [{ name: 'K 2', type: 'text', more: '' }, id, ...partition];
    case 'text':
      return [{ name: 'co"de', type: 'text', more: '' }, ...partition];
    case 'uuid':
      return [{ name: 'u', type: 'uuid', more: '' }, ...partition];
    case 'kind': {
      const kind = table.columns.find((column) => column.kind.key === true)?.kind;
      return [{ name: 'k', type: kind?.type ?? 'bigint', more: '' }, ...partition];
    }
    default:
      return [id, ...partition];
  }
}

function tableDdl(
  table: TablePlan,
  schema: string,
  name: string,
  key: readonly KeyColumn[],
  version: number,
): string[] {
  const quoted = `${schema}.${pg.escapeIdentifier(name)}`;
  const lines = key.map((column) =>
    `${pg.escapeIdentifier(column.name)} ${column.type} ${column.more}`.trim(),
  );
  const levels = table.partition === 'none' ? [] : table.partition.split(', ');
  const taken = new Set(key.map((column) => column.name));
  for (const level of levels) {
    const column = { range: 'r integer', list: 'l text', hash: '' }[level] ?? '';
    const name = column.split(' ')[0] ?? '';
    if (column === '' || taken.has(name)) continue;
    taken.add(name);
    lines.push(column);
  }
  const hashed = key[0]?.name ?? 'h0';
  if (levels.includes('hash') && key.length === 0) lines.push('h0 integer');
  if (table.trigger !== 'none') lines.push('touched text');
  const storages: string[] = [];
  for (const [index, column] of table.columns.entries()) {
    if ((column.kind.since ?? 0) > version) continue;
    const unique = taken.has(column.name) ? `${column.name.slice(0, 40)}${index}` : column.name;
    taken.add(unique);
    const identifier = pg.escapeIdentifier(unique);
    lines.push(`${identifier} ${column.kind.type}${columnMore(column)}`);
    if (column.more === 'external' && ['text', 'bytea', 'jsonb'].includes(column.kind.type)) {
      storages.push(`alter table ${quoted} alter column ${identifier} set storage external`);
    }
    if (column.more === 'generated' && column.kind.type === 'text') {
      lines.push(`g${index} text generated always as (upper(${identifier}) || '!') stored`);
    }
    if (column.more === 'generated' && column.kind.type === 'integer') {
      lines.push(`g${index} integer generated always as (${identifier} % 7) stored`);
    }
  }
  if (key.length > 0) {
    const columns = key.map((column) => pg.escapeIdentifier(column.name)).join(', ');
    lines.push(
      `primary key (${columns})${table.key === 'deferrable' && levels.length === 0 ? ' deferrable' : ''}`,
    );
  }
  const body = `create table ${quoted} (\n  ${lines.join(',\n  ')}\n)`;
  const by = (level: string | undefined) =>
    level === undefined
      ? ''
      : ` partition by ${level} (${level === 'range' ? 'r' : level === 'list' ? 'l' : pg.escapeIdentifier(hashed)})`;
  const statements = [`${body}${by(levels[0])}`, ...openTable(quoted), ...storages];
  const parts = (of: string, prefix: string, depth: number) => {
    for (const [index, bound] of bounds(levels[depth]).entries()) {
      const leaf = `${schema}.${pg.escapeIdentifier(`${prefix}_p${index}`)}`;
      statements.push(
        `create table ${leaf} partition of ${of} ${bound}${by(levels[depth + 1])}`,
        ...openTable(leaf),
      );
      parts(leaf, `${prefix}_p${index}`, depth + 1);
    }
  };
  parts(quoted, name, 0);
  return statements;
}

function columnMore(column: ColumnPlan): string {
  const [simplest = ''] = column.kind.values;
  if (column.more === 'default') return ` default ${castLiteral(simplest, column.kind.type)}`;
  return column.more === 'not null' ? ' not null' : '';
}

function bounds(level: string | undefined): string[] {
  if (level === 'range') {
    return [
      'for values from (minvalue) to (3)',
      'for values from (3) to (6)',
      'for values from (6) to (9)',
    ];
  }
  if (level === 'list') return [`for values in ('a', 'b')`, `for values in ('', null)`, 'default'];
  if (level !== 'hash') return [];
  return [0, 1].map((remainder) => `for values with (modulus 2, remainder ${remainder})`);
}

function referenceDdl(
  table: TablePlan,
  schema: string,
  name: string,
  refers: { readonly name: string; readonly key: readonly KeyColumn[] },
): string[] {
  const { reference } = table;
  if (reference === null) return [];
  const quoted = `${schema}.${pg.escapeIdentifier(name)}`;
  const adds = refers.key.map(({ type }, index) => `add column f${index} ${type}`);
  const columns = refers.key.map((_, index) => `f${index}`).join(', ');
  const target = refers.key.map((column) => pg.escapeIdentifier(column.name)).join(', ');
  return [
    `alter table ${quoted} ${adds.join(', ')}`,
    `alter table ${quoted} add foreign key (${columns}) references ${schema}.${pg.escapeIdentifier(refers.name)} (${target}) ` +
      `on delete ${reference.onDelete} on update ${reference.onUpdate}${reference.deferred ? ' deferrable initially deferred' : ''}`,
  ];
}

/** Triggers of the application's own, which change, skip or repeat what a statement does. */
function triggerDdl(
  table: TablePlan,
  schema: string,
  name: string,
  key: readonly KeyColumn[],
): string[] {
  const quoted = `${schema}.${pg.escapeIdentifier(name)}`;
  const fn = `${schema}.${pg.escapeIdentifier(`touch_${name}`)}`;
  const make = (body: string, when: string) => [
    `create function ${fn}() returns trigger language plpgsql as $touch$ begin ${body} end $touch$`,
    `create trigger a_touch ${when} on ${quoted} for each row execute function ${fn}()`,
  ];
  const [first] = key;
  if (table.trigger === 'before') {
    return make(
      `new.touched := tg_op || coalesce(new.touched, ''); return new;`,
      'before insert or update',
    );
  }
  if (table.trigger === 'skip' && first?.name === 'id') {
    return make(
      'if old.id % 3 = 0 then return null; end if; return coalesce(new, old);',
      'before update or delete',
    );
  }
  if (table.trigger === 'after' && first !== undefined) {
    const match = key
      .map((column) => pg.escapeIdentifier(column.name))
      .map((column) => `${column} = new.${column}`)
      .join(' and ');
    return make(
      `if pg_trigger_depth() < 2 then update ${quoted} set touched = 'after ' || tg_op where ${match}; end if; return null;`,
      'after insert or update',
    );
  }
  return [];
}
