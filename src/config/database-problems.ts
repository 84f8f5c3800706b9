import type { AppConfig, TableName } from './config.ts';
import type { Place } from './place.ts';
import { inFileOrder, type KeyPath, type Problem, problemAt } from './problem.ts';
import { showTable } from './table-name.ts';

/** Runs one statement of SQL and gives its rows. */
export type Query = (
  sql: string,
  parameters: readonly unknown[],
) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/**
 * What of `app` the database does not have: roles, tables, their columns that it names and
 * those that the smoke test writes, each with its line in the file. Reads the catalogue alone, which any login may.
 */
export async function databaseProblems(
  app: AppConfig,
  path: string,
  locate: (key: KeyPath, at?: 'key' | 'value') => Place,
  query: Query,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  const found = (at: KeyPath, onKey: boolean, sentence: string, fix: string) => {
    const place = locate(at, onKey ? 'key' : 'value');
    problems.push(problemAt(path, place, at, { sentence, fix }));
  };
  const database: KeyPath = ['apps', app.name, 'database'];

  const wanted = [
    { name: app.database.owner, at: [...database, 'owner'], onKey: false },
    ...app.database.roles
      .filter(({ name }) => name !== app.database.owner)
      .map(({ name }) => ({ name, at: [...database, 'roles', name], onKey: true })),
  ];
  const roles = await query('select rolname::text as name from pg_roles where rolname = any($1)', [
    wanted.map(({ name }) => name),
  ]);
  for (const { name, at, onKey } of wanted) {
    if (roles.some((role) => role['name'] === name)) continue;
    found(
      at,
      onKey,
      `The database has no role \`${name}\`.`,
      `Create it, or correct its name; it is case-sensitive.`,
    );
  }

  const tables = [
    ...app.database.tables.map((table, index) => ({ table, at: [...database, 'tables', index] })),
    ...app.database.appendOnly.map((table, index) => ({
      table,
      at: [...database, 'append_only', index],
    })),
  ];
  for (const { table, at } of tables) {
    const [relation] = await query(relationSql, [table.schema, table.name]);
    if (relation === undefined) {
      found(
        at,
        false,
        `The database has no table ${showTable(table)}.`,
        await missingFix(table, query),
      );
    } else if (relation['kind'] !== 'r' && relation['kind'] !== 'p') {
      found(
        at,
        false,
        `${showTable(table)} is no table.`,
        'Name the table whose rows change; views, sequences and foreign tables have none of their own.',
      );
    } else if (relation['owner'] !== app.database.owner) {
      found(
        at,
        false,
        `The table ${showTable(table)} is owned by ${String(relation['owner'])}, not by \`${app.database.owner}\`.`,
        'Give the table to the configured owner (ALTER TABLE … OWNER TO …), or correct `owner`.',
      );
    }
  }

  for (const [index, table] of app.database.tables.entries()) {
    if (columnLists.every((list) => table[list] === undefined)) continue;
    const columns = await query(columnSql, [table.schema, table.name]);
    if (columns.length === 0) continue;
    for (const list of columnLists) {
      for (const [position, column] of (table[list] ?? []).entries()) {
        if (columns.some((known) => known['name'] === column)) continue;
        const at = [...database, 'tables', index, list, position];
        found(at, false, ...noColumn(table, column, columns));
      }
    }
  }

  for (const part of ['event', 'trigger'] as const) {
    const smoke = app.smoke?.[part];
    if (smoke === undefined) continue;
    const columns = await query(columnSql, [smoke.table.schema, smoke.table.name]);
    // A table that is not there has been told of above.
    if (columns.length === 0) continue;
    for (const column of Object.keys(smoke.row)) {
      if (columns.some((known) => known['name'] === column)) continue;
      found(
        ['apps', app.name, 'smoke', part, 'row', column],
        true,
        ...noColumn(smoke.table, column, columns),
      );
    }
  }
  return inFileOrder(problems);
}

const columnLists = ['exclude', 'mask', 'personal'] as const;

function noColumn(
  table: TableName,
  column: string,
  columns: readonly Readonly<Record<string, unknown>>[],
): [sentence: string, fix: string] {
  return [
    `The table ${showTable(table)} has no column \`${column}\`.`,
    `Its columns: ${columns.map((known) => String(known['name'])).join(', ')}.`,
  ];
}

const relationSql = `
  select c.relkind::text as kind, pg_get_userbyid(c.relowner)::text as owner
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relname = $2`;

const columnSql = `
  select a.attname::text as name
  from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped
  order by a.attnum`;

/** Where else a table of this name, in whatever case, is. */
async function missingFix(table: TableName, query: Query): Promise<string> {
  const near = await query(
    `select n.nspname::text as schema, c.relname::text as name
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where lower(c.relname) = lower($1) and c.relkind in ('r', 'p') and n.nspname !~ '^pg_'
     order by 1, 2 limit 5`,
    [table.name],
  );
  if (near.length === 0) return 'Create it, or correct its name; is this the right database?';
  const names = near.map((row) =>
    showTable({ schema: String(row['schema']), name: String(row['name']) }),
  );
  return `Did you mean ${names.join(' or ')}?`;
}
