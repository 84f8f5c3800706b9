import { captureNames, showIdentifier } from '../capture/capture-names.ts';
import { migrationTool } from '../capture/migration-ledger.ts';
import { findSecrets } from '../config/find-secrets.ts';
import {
  historyFits,
  historyOf,
  longestCapturedTable,
  wrongIdentifier,
} from '../config/table-name.ts';
import type { TableFacts } from './read-database.ts';

/** A table that is not proposed, and why, as a sentence without its subject. */
export interface LeftOut {
  readonly name: string;
  readonly why: string;
}

/** Why each of the tables that capture need not or can't take is left out; the others are proposed. */
export function leftOut(
  schema: string,
  tables: readonly TableFacts[],
  owner: string,
): readonly LeftOut[] {
  const names = new Map(tables.map((table) => [table.name, table]));
  return tables.flatMap((table) => {
    const why = whyLeftOut(schema, table, owner, names);
    return why === undefined ? [] : [{ name: table.name, why }];
  });
}

/**
 * The owner that most of the tables have which could be captured; of as many, the one that is logged
 * in. undefined where there is no such table.
 */
export function commonOwner(
  schema: string,
  tables: readonly TableFacts[],
  user: string,
): string | undefined {
  const names = new Map(tables.map((table) => [table.name, table]));
  const counts = new Map<string, number>();
  for (const table of tables) {
    if (whyLeftOut(schema, table, table.owner, names) !== undefined) continue;
    // A half breaks the tie.
    const before = counts.get(table.owner) ?? (table.owner === user ? 0.5 : 0);
    counts.set(table.owner, before + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function whyLeftOut(
  schema: string,
  table: TableFacts,
  owner: string,
  tables: ReadonlyMap<string, TableFacts>,
): string | undefined {
  const { name } = table;
  if (table.kind === 'f') return 'is a foreign table: its rows change on another server';
  if (table.extension !== null) return `belongs to the extension ${table.extension}`;
  const tool = migrationTool(
    name,
    table.columns.map((column) => column.name),
  );
  if (tool !== undefined) return `is where ${tool} notes the migrations that have run`;
  const captured = historyFor(table, tables);
  if (captured !== undefined) return `is the history of ${showIdentifier(captured)}`;
  const wrong = wrongIdentifier(name);
  if (wrong !== undefined)
    return `has a name that ${wrong}, which the configuration does not take: rename it`;
  if (findSecrets(name).length > 0)
    return 'has a name that looks like a secret, which the configuration does not take: rename it';
  if (!historyFits({ schema, name }))
    return `has a name too long for what capture makes for it: rename it to at most ${longestCapturedTable} bytes`;
  const history = tables.get(historyOf({ schema, name }).name);
  const taken =
    history !== undefined && historyFor(history, tables) !== name
      ? history
      : tables.get(captureNames({ schema, name }).changes);
  if (taken !== undefined)
    return `would have its ${taken === history ? 'history' : 'view of changes'} in ${showIdentifier(taken.name)}, which is a table of the application's own: rename one of the two`;
  if (table.owner !== owner)
    return `is owned by ${showIdentifier(table.owner)}, not by ${showIdentifier(owner)}: give it to the same owner, or capture its tables as another app`;
  return undefined;
}

/** The table that this one is the history of, as capture or the runbook made it. */
function historyFor(
  { name, columns }: TableFacts,
  tables: ReadonlyMap<string, TableFacts>,
): string | undefined {
  const captured = /^(.+)_history$/s.exec(name)?.[1];
  if (captured === undefined) return undefined;
  const has = (column: string) => columns.some((known) => known.name === column);
  if (!has('operation') || !has('changed_at')) return undefined;
  // Of a table that is gone, history stays.
  return tables.has(captured) || (has('xid') && has('session_role')) ? captured : undefined;
}
