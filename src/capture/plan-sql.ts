import pg from 'pg';
import {
  type CapturePlan,
  installLock,
  lockTimeoutMs,
  ownerStatements,
  refusedObjects,
} from './plan.ts';

/**
 * A plan as a script for psql: as comments what would be done about each object, then the SQL in one
 * transaction. Where something is refused there is no SQL, since install would do nothing either.
 */
export function planSql(plan: CapturePlan): string {
  const lines = [
    `-- Capture in the database ${oneLine(plan.database)}, owned by ${oneLine(plan.owner)}.`,
    '--',
    ...objectLines(plan).map((line) => `-- ${line}`),
    ...plan.notes.map((note) => `-- note: ${oneLine(note)}`),
  ];
  if (refusedObjects(plan).length > 0) {
    lines.push('--', '-- Nothing is installed while anything is refused.');
    return `${lines.join('\n')}\n`;
  }
  const statements = ownerStatements(plan);
  const settings = plan.objects.flatMap(({ setting }) => setting ?? []);
  if (statements.length === 0 && settings.length === 0) {
    lines.push('--', '-- Nothing to do.');
    return `${lines.join('\n')}\n`;
  }
  if (statements.length > 0) {
    lines.push('', 'begin;', ...prologue(plan.owner), ...statements.flatMap((sql) => ['', sql]));
    lines.push('', 'commit;');
  }
  if (settings.length > 0) {
    lines.push('', '-- By a superuser, or whoever may SET log_statement for these roles:');
    lines.push(...settings.map(({ sql }) => sql));
  }
  return `${lines.join('\n')}\n`;
}

/** First statements of the transaction: whose objects they are, no long waits, one installer at a time. */
export function prologue(owner: string): string[] {
  return [
    `set local role ${pg.escapeIdentifier(owner)};`,
    `set local lock_timeout = '${lockTimeoutMs}ms';`,
    `select pg_advisory_xact_lock(${installLock});`,
  ];
}

/** One line an object: action, kind, name; refusals and blocked settings with why and what to do. */
export function objectLines(plan: CapturePlan): string[] {
  return plan.objects.flatMap((object) => {
    const why = object.why === undefined ? '' : `: ${oneLine(object.why)}`;
    const line = `${object.action.padEnd(9)} ${object.kind.padEnd(11)} ${oneLine(object.name)}${why}`;
    return object.fix === undefined ? [line] : [line, `          fix: ${oneLine(object.fix)}`];
  });
}

/** A name may hold line breaks, and must not end the comment or the line that it stands in. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}
