import { archiveFaults, receiverUrlFaults } from './check-archive.ts';
import { databaseFaults, type ListedTable, tableFix, tablesAt } from './check-database.ts';
import { drainFaults } from './check-drains.ts';
import { type CrossFault, shared } from './cross-fault.ts';
import { parseDuration } from './duration.ts';
import type { KeyPath } from './problem.ts';
import { segment } from './schema.ts';
import { parseTableName, showTable } from './table-name.ts';
import { get, type Named, optional, type Tree, textAt, textsAt, tree } from './written.ts';

/**
 * What one key can't know of another: names that must differ, tables that must be listed. Works on the
 * file as written, with whatever of it has the right type, so that these faults are told together with
 * those of the schema.
 */
export function crossCheck(value: unknown): CrossFault[] {
  const apps = Object.entries(tree(tree(value)['apps'])).map(([name, app]) => ({
    name,
    at: ['apps', name] as KeyPath,
    app: tree(app),
  }));
  const faults: CrossFault[] = [];
  if (apps.length === 0) {
    faults.push({
      at: ['apps'],
      sentence: 'There is no app in `apps`.',
      fix: 'Add one: its name, and below it `drain` and `database`.',
    });
  }
  const spaces = Object.keys(tree(tree(value)['spaces']));
  faults.push(
    ...apps.flatMap(({ name, at }) => nameFaults(name, at)),
    ...spaces.flatMap((name) => nameFaults(name, ['spaces', name])),
    ...archiveFaults(value),
    ...receiverUrlFaults(value),
    ...homeless(textAt(value, ['archive', 'folder'])),
    ...homeless(textAt(value, ['secrets', 'file'])),
  );
  for (const { at, app } of apps) {
    faults.push(
      ...databaseFaults(value, at),
      ...smokeFaults(value, at, app),
      ...homeless(textAt(value, [...at, 'ship', 'log_directory'])),
      ...homeless(textAt(value, [...at, 'ship', 'state'])),
    );
  }
  faults.push(
    ...shared(
      apps.flatMap(({ at }) => textAt(value, [...at, 'ship', 'state']) ?? []),
      () => 'Two apps keep their position in one file.',
      'Give each app a `state` file of its own.',
    ),
    ...shared(
      apps.flatMap(({ at }) => optional(textAt(value, [...at, 'database', 'owner_url_env']))),
      () => "Two apps keep their changes in one database: this is another app's login, too.",
      'Give each app a database of its own, or make them one app with the tables of both: what is captured belongs to one app, and uninstalling that one would end it for the other.',
    ),
    ...drainFaults(value),
  );
  return faults;
}

/** An app's or a space's name is a folder in the archive and a word on the command line. */
function nameFaults(name: string, at: KeyPath): CrossFault[] {
  const checked = segment.safeParse(name);
  if (checked.success) return [];
  const better = name
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|-+$/g, '')
    .slice(0, 63);
  return [
    {
      at,
      onKey: true,
      sentence: `The name \`${name}\` ${checked.error.issues[0]?.message}.`,
      fix: better === '' ? 'Rename it, e.g. `shop`.' : `Rename it, e.g. \`${better}\`.`,
    },
  ];
}

function smokeFaults(value: unknown, app: KeyPath, written: Tree): CrossFault[] {
  if (written['smoke'] === undefined) return [];
  const at: KeyPath = [...app, 'smoke'];
  const faults: CrossFault[] = [];
  const within = textAt(value, [...at, 'within']);
  if (within !== undefined && (parseDuration(within.text) ?? 0) > 3_600_000) {
    faults.push({
      at: within.at,
      sentence: 'The smoke test would wait for more than an hour.',
      fix: 'Write at most 1h; the runbook gives a line 30s.',
    });
  }
  if (get(value, [...app, 'database', 'app_url_env']) === undefined) {
    faults.push({
      at,
      sentence:
        'The smoke test writes as the application, and `database.app_url_env` does not say how it logs in.',
      fix: "Add `app_url_env:` to `database`, with the variable that holds the application's URL.",
    });
  }
  const lists = {
    event: [...tablesAt(value, app, 'tables').named, ...tablesAt(value, app, 'append_only').named],
    trigger: tablesAt(value, app, 'tables').named,
  };
  for (const [part, listed] of Object.entries(lists)) {
    const written = textAt(value, [...at, part, 'table']);
    if (written !== undefined) {
      const schema = textAt(value, [...app, 'database', 'schema'])?.text ?? 'public';
      const parsed = parseTableName(written.text, schema);
      const found =
        parsed.ok && listed.find(({ table }) => showTable(table) === showTable(parsed.table));
      if (!parsed.ok) {
        faults.push({ at: written.at, sentence: `This table ${parsed.why}.`, fix: tableFix });
      } else if (found && part === 'trigger') {
        faults.push(...hiddenNonce(value, [...at, part, 'row'], found));
      } else if (!found) {
        faults.push({
          at: written.at,
          sentence: `The smoke test's table ${showTable(parsed.table)} is not one of the app's tables.`,
          fix:
            part === 'event'
              ? 'List it in `database.tables` or `database.append_only`.'
              : 'List it in `database.tables`: only those have a history to look into.',
        });
      }
    }
    faults.push(...rowFaults(value, [...at, part, 'row']));
  }
  return faults;
}

function rowFaults(value: unknown, at: KeyPath): CrossFault[] {
  const row = get(value, at);
  if (row === undefined) return [];
  const texts = Object.keys(tree(row)).flatMap((key) => optional(textAt(value, [...at, key])));
  const faults: CrossFault[] = texts.flatMap(({ at: place, text }) =>
    [...text.matchAll(/\{([a-z]{1,20})\}/g)]
      .filter(([, name]) => name !== 'nonce' && name !== 'now')
      .map(([, name]) => ({
        at: place,
        sentence: `{${name}} is not something that is replaced here.`,
        fix: 'Use {nonce}, which is new at each run, or {now}, the time in UTC.',
      })),
  );
  if (!texts.some(({ text }) => text.includes('{nonce}'))) {
    faults.push({
      at,
      sentence: 'No column of this row holds {nonce}, so one run could not be told from another.',
      fix: "Write it into a text column, e.g. id: 'pgaudit-smoke-{nonce}'.",
    });
  }
  return faults;
}

/** The row is looked for in history by its nonce, which has to be captured as it is. */
function hiddenNonce(value: unknown, row: KeyPath, { group }: ListedTable): CrossFault[] {
  if (group === undefined) return [];
  const nonces = Object.keys(tree(get(value, row)))
    .flatMap((key) => optional(textAt(value, [...row, key])))
    .filter(({ text }) => text.includes('{nonce}'));
  const hidden = new Set(
    [...textsAt(value, [...group, 'exclude']), ...textsAt(value, [...group, 'mask'])].map(
      ({ text }) => text,
    ),
  );
  if (nonces.length === 0 || !nonces.every(({ at }) => hidden.has(String(at.at(-1))))) return [];
  return [
    {
      at: row,
      sentence:
        'Only columns that are left out or masked hold {nonce}, so the row could not be found in history.',
      fix: 'Write it into a text column that stands neither in `exclude` nor in `mask`.',
    },
  ];
}

/** `~` is the shell's: here it would name a folder of that name. */
function homeless(path: Named | undefined): CrossFault[] {
  if (path === undefined || !/^~(\/|$)/.test(path.text)) return [];
  return [
    {
      at: path.at,
      sentence: 'This path begins with ~, which only a shell replaces.',
      fix: 'Write the path whole, or relative to this file.',
    },
  ];
}
