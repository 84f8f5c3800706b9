import type { TableName } from './config.ts';

/** Postgres cuts longer identifiers off without a word (NAMEDATALEN - 1), in bytes. */
export const longestIdentifier = 63;
const historySuffix = '_history';

const part = String.raw`"(?:[^"]|"")+"|[^".\s]+`;
const shape = new RegExp(`^(${part})(?:\\.(${part}))?$`, 'u');
/** What needs no quotes in SQL and is the same before and after Postgres folds it. */
const unquoted = /^[a-z_\u0080-\u{10ffff}][a-z0-9_$\u0080-\u{10ffff}]*$/u;

export type ParsedTableName =
  | { readonly ok: true; readonly table: TableName }
  | { readonly ok: false; readonly why: string };

/**
 * A table as SQL writes it (`users`, `billing.invoices`, `"My Schema"."T"`) to its name in the
 * catalogue. Without quotes a name has to be lower case: SQL would fold `Users` to `users`, and a
 * reader of the file can't tell which of the two is meant.
 */
export function parseTableName(text: string, defaultSchema: string): ParsedTableName {
  const match = shape.exec(text);
  const first = match?.[1];
  if (first === undefined) {
    return {
      ok: false,
      why: 'is not a table name: write name or schema.name, in double quotes where it holds blanks or dots',
    };
  }
  const names: string[] = [];
  for (const written of match?.[2] === undefined ? [first] : [first, match[2]]) {
    const quoted = written.startsWith('"');
    if (!quoted && !unquoted.test(written)) {
      return {
        ok: false,
        why: 'has a part that SQL would only take in double quotes: write it lower case, or quoted for the exact name',
      };
    }
    const name = quoted ? written.slice(1, -1).replaceAll('""', '"') : written;
    const wrong = wrongIdentifier(name);
    if (wrong !== undefined) return { ok: false, why: wrong };
    names.push(name);
  }
  const name = names.at(-1) ?? '';
  return {
    ok: true,
    table: { schema: names.length === 2 ? (names[0] ?? '') : defaultSchema, name },
  };
}

/** Why a table, schema or role of this name can't stand in the file, or undefined. */
export function wrongIdentifier(name: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(name)) return 'holds a control character';
  return wrongColumn(name);
}

/** Why no column can have this name, or undefined. Any that Postgres takes can be left out of capture. */
export function wrongColumn(name: string): string | undefined {
  if (name.includes('\0')) return 'holds a NUL';
  if (Buffer.byteLength(name) > longestIdentifier) {
    return `is longer than ${longestIdentifier} bytes, where Postgres cuts names off`;
  }
  return undefined;
}

/** The shadow table of `table`: `<table>_history` in the same schema. */
export function historyOf(table: TableName): TableName {
  return { schema: table.schema, name: `${table.name}${historySuffix}` };
}

/** In bytes, of a table with history: the longest name made for one is trg_<table>_history_truncate. */
export const longestCapturedTable = longestIdentifier - 'trg__history_truncate'.length;

/** Whether the names that capture makes for `table` fit into an identifier. */
export function historyFits(table: TableName): boolean {
  return Buffer.byteLength(table.name) <= longestCapturedTable;
}

/** One table as SQL would write it, quoted only where needed: for messages. */
export function showTable(table: TableName): string {
  return [table.schema, table.name]
    .map((name) => (unquoted.test(name) ? name : `"${name.replaceAll('"', '""')}"`))
    .join('.');
}
