import { type CapturePlan, ownerStatements } from './plan.ts';
import { oneLine, prologue } from './plan-sql.ts';

/** What names an Alembic revision. */
export interface Revision {
  /** Letters, digits, underscores. */
  readonly revision: string;
  readonly downRevision: string | undefined;
  readonly message: string;
}

/**
 * A plan as an Alembic revision: upgrade() does what the plan says, downgrade() takes away what it
 * created (history stays). Both run in Alembic's own transaction. log_statement is tried, and a role
 * that may not set it gets a warning. For a plan without refusals.
 */
export function planAlembic(plan: CapturePlan, named: Revision): string {
  const settings = plan.objects.flatMap(({ setting }) => setting ?? []);
  const objects = plan.objects.filter(({ kind }) => kind !== 'setting');
  const upgrade = [
    ...prologue(plan.owner),
    ...ownerStatements({ ...plan, objects }),
    ...epilogue,
    ...settings.map(({ trySql }) => trySql),
  ];
  const created = objects.filter(({ action }) => action === 'create');
  const downgrade = [
    ...settings.map(({ tryUndoSql }) => tryUndoSql),
    ...prologue(plan.owner),
    ...created.reverse().flatMap(({ undo }) => undo),
    ...epilogue,
  ];
  const down = named.downRevision === undefined ? 'None' : JSON.stringify(named.downRevision);
  return `${docstring(plan, named)}

from alembic import op

revision = ${JSON.stringify(named.revision)}
down_revision = ${down}
branch_labels = None
depends_on = None

UPGRADE = ${statementList(upgrade)}

DOWNGRADE = ${statementList(downgrade)}


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
`;
}

/** Later revisions run in the same transaction, as whoever runs them and with their own patience. */
const epilogue = ['set local lock_timeout to default;', 'reset role;'];

function docstring(plan: CapturePlan, named: Revision): string {
  const text = [
    oneLine(named.message),
    '',
    `Revision ID: ${named.revision}`,
    ...(named.downRevision === undefined ? [] : [`Revises: ${named.downRevision}`]),
    '',
    'Written by `pgwitness plan --format alembic`. It runs once: after a change of tables, roles or of',
    '`pgwitness.yaml`, or to repair a trigger that was taken off, run `pgwitness install`.',
    ...plan.notes.flatMap((note) => ['', `Note: ${oneLine(note)}`]),
    '',
  ].join('\n');
  return pythonText(text);
}

function statementList(statements: readonly string[]): string {
  return `(\n${statements.map((sql) => `    ${pythonText(verbatim(sql))},\n`).join('')})`;
}

/**
 * op.execute() takes a string as sqlalchemy.text(), which reads `:name` as a bind parameter and `\:`
 * as a colon (the two patterns of sqlalchemy/sql/compiler.py): both are written so that they come out
 * as they stand here.
 */
function verbatim(sql: string): string {
  return sql.replace(
    /\\(?=:[\p{L}\p{N}_$]*(?![:\p{L}\p{N}_$]))|(?<![:\p{L}\p{N}_\\]):(?=[\p{L}\p{N}_$]+(?![:\p{L}\p{N}_$]))/gu,
    (match) => (match === ':' ? '\\:' : '\\\\'),
  );
}

/** A string literal of Python, in triple quotes where it reads the same there, else escaped. */
function pythonText(text: string): string {
  const plain = !/"""|\\|\r|"$/.test(text) && !/\p{Cc}/u.test(text.replaceAll('\n', ''));
  // JSON's escapes are all Python's too.
  return plain ? `"""${text}"""` : JSON.stringify(text);
}
