import type { TableName } from './config.ts';
import { parseDuration } from './duration.ts';
import type { KeyPath } from './problem.ts';
import { segment } from './schema.ts';
import {
  historyFits,
  historyOf,
  longestCapturedTable,
  parseTableName,
  showTable,
  wrongIdentifier,
} from './table-name.ts';

/** What a cross check found: `at` is the value's place in the tree. */
export interface CrossFault {
  readonly at: KeyPath;
  readonly sentence: string;
  readonly fix: string;
  /** The key is meant rather than its value. */
  readonly onKey?: boolean;
}

type Tree = Readonly<Record<string, unknown>>;
interface Named {
  readonly at: KeyPath;
  readonly text: string;
}

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
  faults.push(...apps.flatMap(({ name, at }) => nameFaults(name, at)));
  faults.push(...homeless(textAt(value, ['archive', 'folder'])));
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
      apps.map(({ at, name }) => textAt(value, [...at, 'prefix']) ?? { at, text: name }),
      (text) => `Two apps put their objects under logs/${text}/.`,
      'Give one of them another `prefix`.',
    ),
    ...shared(
      apps.flatMap(({ at }) => textAt(value, [...at, 'ship', 'state']) ?? []),
      () => 'Two apps keep their position in one file.',
      'Give each app a `state` file of its own.',
    ),
    ...shared(
      apps.flatMap(({ at }) => textsAt(value, [...at, 'drain', 'tokens'])),
      () => 'This drain token stands here for the second time.',
      'A token names one drain of one app: `heroku drains --app <app>` lists them.',
    ),
    ...shared(
      apps.flatMap(({ at }) => optional(textAt(value, [...at, 'database', 'owner_url_env']))),
      () => "Two apps keep their changes in one database: this is another app's login, too.",
      'Give each app a database of its own, or make them one app with the tables of both: what is captured belongs to one app, and uninstalling that one would end it for the other.',
    ),
    ...sharedDrains(value, apps),
  );
  return faults;
}

/** An app's name is a folder in the archive and a word on the command line. */
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

/** Apps behind one user and one secret can only be told apart by their tokens. */
function sharedDrains(
  value: unknown,
  apps: readonly { name: string; at: KeyPath }[],
): CrossFault[] {
  const groups = new Map<string, { name: string; at: KeyPath }[]>();
  for (const app of apps) {
    const secret = textAt(value, [...app.at, 'drain', 'secret_env']);
    if (secret === undefined) continue;
    const user = textAt(value, [...app.at, 'drain', 'user'])?.text ?? app.name;
    const name = JSON.stringify([user, secret.text]);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [app]);
    else group.push(app);
  }
  return [...groups.values()]
    .filter((group) => group.length > 1)
    .flatMap((group) =>
      group
        .filter((app) => textsAt(value, [...app.at, 'drain', 'tokens']).length === 0)
        .map((app) => ({
          at: [...app.at, 'drain'],
          // One other app says it: naming all of them in each would be the square of the file.
          sentence: `\`${app.name}\` shares its drain's user and secret with \`${(group[0] === app ? group[1] : group[0])?.name}\`, and nothing tells their lines apart.`,
          fix: 'Add `tokens:` with the drain tokens of each of these apps, or give each its own `user` and `secret_env`.',
        })),
    );
}

function databaseFaults(value: unknown, app: KeyPath): CrossFault[] {
  const at: KeyPath = [...app, 'database'];
  const faults: CrossFault[] = [];
  const tables = tablesAt(value, app, 'tables');
  const appendOnly = tablesAt(value, app, 'append_only');
  faults.push(...tables.faults, ...appendOnly.faults);

  const seen = new Map<string, string>();
  for (const { at: place, table } of [...tables.named, ...appendOnly.named]) {
    const name = showTable(table);
    const list = String(place.at(-2));
    const before = seen.get(name);
    if (before !== undefined) {
      faults.push({
        at: place,
        sentence:
          before === list
            ? `The table ${name} stands in \`${list}\` twice.`
            : `The table ${name} stands both in \`${before}\` and in \`${list}\`.`,
        fix: 'A table either has its changes kept in history (`tables`) or takes no changes (`append_only`): leave it in one place.',
      });
    }
    seen.set(name, list);
  }
  for (const { at: place, table } of tables.named) {
    if (!historyFits(table)) {
      faults.push({
        at: place,
        sentence: `The name of the table is too long for its triggers, trg_${table.name}_history_truncate: Postgres cuts names off after 63 bytes.`,
        fix: `Rename the table to at most ${longestCapturedTable} bytes.`,
      });
    }
    if (seen.has(showTable(historyOf(table)))) {
      faults.push({
        at: place,
        sentence: `The history of ${showTable(table)} is ${showTable(historyOf(table))}, which is listed as a table of its own.`,
        fix: 'Take the history table off the list: it is made and guarded with its table.',
      });
    }
  }

  const owner = textAt(value, [...at, 'owner']);
  const roles = Object.keys(tree(get(value, [...at, 'roles'])));
  const names = [
    ...(owner === undefined ? [] : [owner]),
    ...roles.map((text) => ({ at: [...at, 'roles', text], text })),
    ...optional(textAt(value, [...at, 'schema'])),
  ];
  for (const { at: place, text } of names) {
    const why = wrongIdentifier(text);
    if (why !== undefined) {
      faults.push({
        at: place,
        sentence: `This name ${why}.`,
        fix: 'Write it as the catalogue has it.',
      });
    }
  }
  if (owner !== undefined && textsAt(value, [...at, 'roles', owner.text, 'history']).length > 0) {
    faults.push({
      at: [...at, 'roles', owner.text, 'history'],
      sentence: `The owner, \`${owner.text}\`, is given privileges on history tables that it owns.`,
      fix: 'Leave `history` out for the owner; the application must log in as another role, or it could switch its own triggers off.',
    });
  }
  for (const role of roles) {
    faults.push(
      ...shared(
        textsAt(value, [...at, 'roles', role, 'history']),
        () => 'This privilege stands here twice.',
        'Name each privilege once.',
      ),
    );
  }
  const urls = ['owner_url_env', 'app_url_env'].flatMap((key) =>
    optional(textAt(value, [...at, key])),
  );
  faults.push(
    ...shared(
      urls,
      () => 'The owner and the application log in with the same URL.',
      'Give the application a role of its own: an owner can switch triggers off and on again and leave no line.',
    ),
  );
  return faults;
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
      const parsed = parseTableName(written.text, schemaOf(value, app));
      if (!parsed.ok) {
        faults.push({ at: written.at, sentence: `This table ${parsed.why}.`, fix: tableFix });
      } else if (!listed.some(({ table }) => showTable(table) === showTable(parsed.table))) {
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

const tableFix =
  'Examples: users, billing.invoices, "My Schema"."T" (in YAML: \'"My Schema"."T"\').';

function tablesAt(value: unknown, app: KeyPath, list: string) {
  const named: { at: KeyPath; table: TableName }[] = [];
  const faults: CrossFault[] = [];
  for (const { at, text } of textsAt(value, [...app, 'database', list])) {
    const parsed = parseTableName(text, schemaOf(value, app));
    if (parsed.ok) named.push({ at, table: parsed.table });
    else if (text !== '') {
      faults.push({ at, sentence: `This table ${parsed.why}.`, fix: tableFix });
    }
  }
  return { named, faults };
}

function schemaOf(value: unknown, app: KeyPath): string {
  return textAt(value, [...app, 'database', 'schema'])?.text ?? 'public';
}

/** Faults for each text that an earlier one equals. */
function shared(
  texts: readonly Named[],
  sentence: (text: string) => string,
  fix: string,
): CrossFault[] {
  const seen = new Set<string>();
  return texts.flatMap(({ at, text }) => {
    if (!seen.has(text)) {
      seen.add(text);
      return [];
    }
    return [{ at, sentence: sentence(text), fix }];
  });
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

function tree(value: unknown): Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Tree)
    : {};
}

function get(value: unknown, at: KeyPath): unknown {
  let here = value;
  for (const part of at) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, part)) return undefined;
    here = (here as Record<string | number, unknown>)[part];
  }
  return here;
}

function textAt(value: unknown, at: KeyPath): Named | undefined {
  const text = get(value, at);
  return typeof text === 'string' ? { at, text } : undefined;
}

function textsAt(value: unknown, at: KeyPath): Named[] {
  const list = get(value, at);
  if (!Array.isArray(list)) return [];
  return list.flatMap((_, index) => optional(textAt(value, [...at, index])));
}

function optional<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}
