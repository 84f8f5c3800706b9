import type { AppConfig, TableName } from '../config/config.ts';
import { nearest } from '../config/nearest.ts';
import { historyFits, historyOf } from '../config/table-name.ts';
import { sameName, splitName } from '../trail/match-record.ts';

/**
 * The table that `--table` means: as SQL reads it; else the app's table that is called just so, so
 * that `Order Item` needs no quotes beside the shell's. `note` is for a name that is none of the app's
 * tables: its records may be there all the same, but it may as well be a typo.
 */
export function askedTable(
  written: string,
  app: AppConfig,
): { readonly table: string; readonly note?: string } {
  const { tables, appendOnly } = app.database;
  const captured = [...tables, ...tables.filter(historyFits).map(historyOf), ...appendOnly];
  const asSql = splitName(written);
  if (captured.some(({ schema, name }) => sameName({ schema, table: name }, asSql))) {
    return { table: written };
  }
  for (const table of captured) {
    if (table.name === written) return { table: quoted(table.name) };
    if (dotted(table) === written)
      return { table: `${quoted(table.schema)}.${quoted(table.name)}` };
  }
  const called = (table: TableName) => (written.includes('.') ? dotted(table) : table.name);
  const near = nearest(written, captured.map(called));
  const hint = near === undefined ? '.' : `; did you mean ${near}?`;
  return {
    table: written,
    note: `note ${written} is no table of ${app.name} in pgwitness.yaml${hint}`,
  };
}

function dotted({ schema, name }: TableName): string {
  return `${schema}.${name}`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
