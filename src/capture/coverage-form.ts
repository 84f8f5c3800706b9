import { showIdentifier } from './capture-names.ts';
import type { FunctionState, TableState } from './catalogue.ts';

/** The table as the capture function in the database takes it for granted; else it uses the slower form. */
export interface InstalledForm {
  /** Name to type, in order; undefined where its text can't be told apart. */
  readonly columns: ReadonlyMap<string, string> | undefined;
  readonly shape: string;
  /** The index of its primary key, as regclass writes it, and as SQL. */
  readonly key: { readonly index: string | null; readonly definition: string | null };
  /** As regclass writes them. */
  readonly partitions: readonly string[];
  /** Of the columns, in order. */
  readonly numbers: readonly number[];
}

const literal = ` ?(E)?'((?:[^'\\\\]|''|\\\\.)*)'`;
/** pgwitness.places_of(schema, table, shape, key_index, key_definition, partitions, numbers). */
const call = new RegExp(
  String.raw`pgwitness\.places_of\(\s*${[literal, literal, literal, nullable(literal), nullable(literal), literal].join(',\\s*')}::text\[\],\s*'\{([0-9,]*)\}'::int\[\]`,
  's',
);

function nullable(pattern: string): string {
  return `(?:null|${pattern})`;
}

/** What the function's own text says of it; undefined where that is no capture function of this kind. */
export function installedForm(fn: FunctionState): InstalledForm | undefined {
  const found = call.exec(fn.source);
  if (found === null) return undefined;
  const text = (place: number) => {
    const quoted = found[2 * place];
    return quoted === undefined ? null : unquote(found[2 * place - 1], quoted);
  };
  const shape = text(3) ?? '';
  return {
    columns: columnsOf(shape),
    shape,
    key: { index: text(4), definition: text(5) },
    partitions: arrayOf(text(6) ?? ''),
    numbers: (found[13] ?? '').split(',').filter(Boolean).map(Number),
  };
}

/** Whether a write takes the faster form: just what pgwitness.places_of compares. */
export function isAsInstalled(form: InstalledForm, table: TableState): boolean {
  const { added, gone } = partitionChanges(form, table);
  return (
    form.shape === table.shape &&
    form.numbers.join() === table.columns.map(({ number }) => number).join() &&
    sameKey(form, table) &&
    added.length === 0 &&
    gone.length === 0
  );
}

/** Whether its key is the one that it had; one that came to a table without any does no harm. */
export function sameKey({ key }: InstalledForm, table: TableState): boolean {
  return (
    key.index === null || (key.index === table.key_index && key.definition === table.key_definition)
  );
}

/** Partitions, at whatever depth, that came or went since, as regclass writes them. */
export function partitionChanges(
  form: InstalledForm,
  table: TableState,
): { readonly added: string[]; readonly gone: string[] } {
  const now = table.partitions.map(({ text }) => text);
  return {
    added: now.filter((name) => !form.partitions.includes(name)),
    gone: form.partitions.filter((name) => !now.includes(name)),
  };
}

/** What became of the columns since: `w added`, `v dropped`, `n is bigint, was integer`. */
export function columnChanges(form: InstalledForm, table: TableState): string[] {
  const now = columnsOf(table.shape ?? '');
  if (form.columns === undefined || now === undefined) return ['its columns are others'];
  const before = form.columns;
  const changes = [
    ...[...now.keys()]
      .filter((name) => !before.has(name))
      .map((name) => `${showIdentifier(name)} added`),
    ...[...before.keys()]
      .filter((name) => !now.has(name))
      .map((name) => `${showIdentifier(name)} dropped`),
    ...[...now].flatMap(([name, type]) => {
      const was = before.get(name);
      return was === undefined || was === type
        ? []
        : [`${showIdentifier(name)} is ${type}, was ${was}`];
    }),
  ];
  return changes.length > 0 ? changes : ['one has another’s name, or was dropped and added again'];
}

/** Columns that the function does not know, and so keeps as tokens where anything is left out or masked. */
export function unknownColumns(form: InstalledForm, table: TableState): string[] {
  if (form.columns === undefined) return [];
  const known = new Set([...form.columns.keys()].map((name, at) => `${form.numbers[at]} ${name}`));
  return table.columns
    .filter(({ number, name }) => !known.has(`${number} ${name}`))
    .map(({ name }) => name);
}

/** The columns of `'id' integer, 'v' text`; a type's own name may hold anything, so it may not be told apart. */
function columnsOf(shape: string): ReadonlyMap<string, string> | undefined {
  const columns = new Map<string, string>();
  const column = new RegExp(`${literal} (.*?)(?:, (?= ?E?')|$)`, 'sy');
  while (column.lastIndex < shape.length) {
    const found = column.exec(shape);
    if (found === null) return undefined;
    columns.set(unquote(found[1], found[2] ?? ''), found[3] ?? '');
  }
  return columns;
}

function unquote(escapes: string | undefined, quoted: string): string {
  const text = quoted.replaceAll("''", "'");
  return escapes === undefined ? text : text.replaceAll(/\\(.)/gs, '$1');
}

/** The texts of an array literal whose elements all stand in double quotes. */
function arrayOf(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, value]) =>
    (value ?? '').replaceAll(/\\(.)/gs, '$1'),
  );
}
