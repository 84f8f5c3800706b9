import type { Difference, ExpectedChange } from './compare.ts';
import type { Image } from './image.ts';
import type { ToldChange } from './read-history.ts';
import type { CaseResult } from './run-case.ts';
import type { Executed } from './run-workload.ts';

/** A case that failed, so that it can be pasted into psql: what was run, in order, and what is wrong. */
export function reportCase(result: CaseResult): string {
  return [
    '-- As the owner of the tables:',
    ...result.ddl.map(ended),
    ...result.before.flatMap(shown),
    `-- pgwitness install, of ${result.tables.map((name) => JSON.stringify(name)).join(', ')}`,
    ...result.executed.flatMap(shown),
    '',
    ...result.broken.map((executed) => `-- CAPTURE BROKE statement ${executed.number}`),
    ...result.differences.flatMap(difference),
  ].join('\n');
}

function shown(executed: Executed): string[] {
  const { statement, outcome, session, number } = executed;
  const sql =
    statement.values === undefined
      ? ended(statement.sql)
      : `${statement.sql} \\bind ${statement.values.map((value) => (value === null ? 'null' : `'${value.replaceAll("'", "''")}'`)).join(' ')} \\g`;
  const failed =
    outcome.kind === 'failed'
      ? [`-- fails: ${outcome.error.code} ${outcome.error.message.replaceAll('\n', ' ')}`]
      : [];
  return [
    `-- ${number}, ${session}:`,
    sql,
    ...(statement.data === undefined ? [] : [`${statement.data}\\.`]),
    ...failed,
  ];
}

function ended(sql: string): string {
  return sql.startsWith('--') ? sql : `${sql};`;
}

function difference({ kind, why, expected, told }: Difference): string[] {
  return [
    `-- DIFFERENCE (${kind}): ${why}`,
    ...(expected === undefined ? [] : [`--   committed: ${committed(expected)}`]),
    ...(told === undefined ? [] : [`--   history:   ${toldText(told)}`]),
  ];
}

function committed(change: ExpectedChange): string {
  const { operation, relation, statement, xid, before, after, duty } = change;
  return `${operation} of ${JSON.stringify(relation)} by statement ${statement}, xid ${xid} (${duty}), key ${JSON.stringify(change.key)}: ${image(before)} -> ${image(after)}`;
}

function toldText(change: ToldChange): string {
  const { id, operation, xid, partition, rowKey, before, after, changed } = change;
  return `id ${id}, ${operation}, xid ${xid}, partition ${partition}, key ${image(rowKey)}, changed ${JSON.stringify(changed)}: ${image(before)} -> ${image(after)}`;
}

function image(row: Image | null): string {
  if (row === null) return 'nothing';
  const values = Object.entries(row).map(
    ([column, value]) =>
      `${JSON.stringify(column)}: ${value.length > 120 ? `${value.slice(0, 100)}… (${value.length} characters)` : value}`,
  );
  return `{${values.join(', ')}}`;
}
