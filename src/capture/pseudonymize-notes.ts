import { showIdentifier, showName } from './capture-names.ts';
import type { ReplacedColumn } from './pseudonymize-examine.ts';
import type { Followed } from './pseudonymize-follow.ts';
import { keyIn } from './pseudonymize-sql.ts';
import type { OpenedHistory } from './pseudonymize-table.ts';

/** What a reader of the report has to know: what was not found or not replaced, and where else the data is. */
export function pseudonymNotes(found: {
  readonly history: OpenedHistory;
  readonly followed: Followed;
  readonly columns: readonly ReplacedColumn[];
  /** Rows of history that are not as capture writes them. */
  readonly unreadable: number;
  /** Columns in the subject's drifted images. */
  readonly drifted: readonly string[];
}): string[] {
  const { history, followed, columns, unreadable } = found;
  const { sought } = history;
  const { names, shapes, key } = sought;
  const table = showName(names.schema, names.table);
  const notes: string[] = [];
  if (followed.lives > 1) {
    notes.push(
      `${followed.lives} rows of ${table} had this key, one after the other: the history of all of them is meant.`,
    );
  }
  const emptied = columns.filter((column) => column.emptied > 0);
  if (emptied.length > 0) {
    notes.push(
      `Images from before ${list(emptied.map(({ column }) => column))} became personal hold no text there, so no token: those values become null.`,
    );
  }
  for (const shape of shapes) {
    const told = keyIn(shape, key);
    const its = `(${shape.key_columns.map(showIdentifier).join(', ')})`;
    if (told === 'renamed') {
      notes.push(
        `Images of form ${shape.number} have the key ${its}, taken for ${list(key)} under another name. Where it is another key, run it for that one too.`,
      );
    } else if (told === 'untold') {
      notes.push(
        `Images of form ${shape.number} hold no ${list(key)} and were not searched${shape.key_columns.length === 0 ? '' : `: run it for their key ${its} too`}.`,
      );
    }
  }
  const left = leftColumns(found);
  if (left.length > 0) {
    notes.push(
      `Images of this subject also hold ${list(left)}, which ${table} did not have when it was last installed. Where that is personal, run it with ${left.map((name) => `--also '${name}'`).join(' ')}.`,
    );
  }
  const unheld = columns.filter(
    ({ replaced, emptied: nulls, tokens }) => replaced + nulls + tokens === 0,
  );
  const unknown = unheld.filter(
    ({ column }) =>
      !found.drifted.includes(column) &&
      !shapes.some(({ attributes }) => attributes.some(({ name }) => name === column)),
  );
  if (unknown.length > 0) {
    notes.push(`No image holds a column ${list(unknown.map(({ column }) => column))}.`);
  }
  if (unreadable > 0) {
    notes.push(
      `${unreadable} rows of history are not as capture writes them and tell no key: they were not searched.`,
    );
  }
  if (followed.alive) {
    notes.push(
      `By history the row is still in ${table}, which is not touched here. The application deletes it or makes it anonymous; that change is captured with the row as it was, so run this again after it.`,
    );
  }
  if (!history.witnessed) {
    notes.push('`witness` is off: no line in the log tells what was changed in history.');
  }
  notes.push(
    'Other tables, statement texts in the archive, backups and replicas hold what they held: see docs/pseudonymize.md.',
  );
  return notes;
}

/** Columns of the subject's images that the newest form has no more, and that are not replaced. */
function leftColumns({
  history: { sought },
  followed,
  drifted,
}: Parameters<typeof pseudonymNotes>[0]): string[] {
  const newest = sought.shapes.at(-1)?.attributes.map(({ name }) => name) ?? [];
  const held = new Set([...followed.rows.values()].flatMap((parts) => parts.split(',')));
  const older = sought.shapes
    .filter(({ number }) => held.has(`image_${number}`) || held.has(`before_${number}`))
    .flatMap(({ attributes }) => attributes.map(({ name }) => name));
  return [...new Set([...older, ...drifted])].filter(
    (name) => !newest.includes(name) && !sought.columns.includes(name),
  );
}

function list(names: readonly string[]): string {
  return names.map(showIdentifier).join(', ');
}
