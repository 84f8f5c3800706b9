import type { AppConfig, CapturedTableConfig, TableName } from '../config/config.ts';
import { nearest } from '../config/nearest.ts';
import { showTable } from '../config/table-name.ts';
import { PgwitnessError } from '../error.ts';
import { sameName, splitName } from '../trail/match-record.ts';

/**
 * The captured table that `written` names: as SQL reads it, or just as the table is called, so that
 * `Order Item` needs no quotes beside the shell's. Throws `cli.no-such-table` or `cli.which-table`, exit 2.
 */
export function subjectTable(written: string, app: AppConfig): CapturedTableConfig {
  const { tables, appendOnly } = app.database;
  const asSql = splitName(written);
  const means = ({ schema, name }: TableName) =>
    name === written || `${schema}.${name}` === written || sameName({ schema, table: name }, asSql);
  const [table, another] = tables.filter(means);
  if (table !== undefined && another === undefined) return table;
  if (table !== undefined) {
    throw new PgwitnessError({
      code: 'cli.which-table',
      message: `${written} may be ${tables.filter(means).map(showTable).join(' or ')}.`,
      fix: 'Write it with its schema.',
      exit: 2,
    });
  }
  if (appendOnly.some(means)) {
    throw new PgwitnessError({
      code: 'cli.no-such-table',
      message: `${written} is append-only: it has no history, and its rows are not replaced.`,
      fix: 'Keep personal data out of tables that only grow, or have their owner correct them.',
      exit: 2,
    });
  }
  const near = nearest(written, [...tables.map(({ name }) => name), ...tables.map(showTable)]);
  throw new PgwitnessError({
    code: 'cli.no-such-table',
    message: `${written} is no captured table of ${app.name}.`,
    fix:
      near === undefined
        ? `Its tables are: ${tables.map(showTable).join(', ')}.`
        : `Did you mean ${near}?`,
    exit: 2,
  });
}
