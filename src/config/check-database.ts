import { columnFaults } from './check-columns.ts';
import type { TableName } from './config.ts';
import { type CrossFault, shared } from './cross-fault.ts';
import type { KeyPath } from './problem.ts';
import {
  historyFits,
  historyOf,
  longestCapturedTable,
  parseTableName,
  showTable,
  wrongIdentifier,
} from './table-name.ts';
import { get, indexesAt, optional, textAt, textsAt, tree } from './written.ts';

/** A table that the file lists. */
export interface ListedTable {
  /** Of its name. */
  readonly at: KeyPath;
  readonly table: TableName;
  /** Of the group of keys it is written as, where it is one. */
  readonly group?: KeyPath;
}

export const tableFix =
  'Examples: users, billing.invoices, "My Schema"."T" (in YAML: \'"My Schema"."T"\').';

/** The tables of one list of an app's database, and what is wrong with their names. */
export function tablesAt(
  value: unknown,
  app: KeyPath,
  list: 'tables' | 'append_only',
): { readonly named: ListedTable[]; readonly faults: CrossFault[] } {
  const at: KeyPath = [...app, 'database', list];
  const schema = textAt(value, [...app, 'database', 'schema'])?.text ?? 'public';
  const named: ListedTable[] = [];
  const faults: CrossFault[] = [];
  for (const index of indexesAt(value, at)) {
    const plain = textAt(value, [...at, index]);
    // Only captured tables have columns to say something about.
    const group = plain === undefined && list === 'tables' ? [...at, index] : undefined;
    const written = group === undefined ? plain : textAt(value, [...group, 'table']);
    if (written === undefined) continue;
    const parsed = parseTableName(written.text, schema);
    if (parsed.ok) named.push({ at: written.at, table: parsed.table, ...(group && { group }) });
    else if (written.text !== '') {
      faults.push({ at: written.at, sentence: `This table ${parsed.why}.`, fix: tableFix });
    }
  }
  return { named, faults };
}

/** What is wrong with the part `database` of the app at `app`, as far as one key can't know of another. */
export function databaseFaults(value: unknown, app: KeyPath): CrossFault[] {
  const at: KeyPath = [...app, 'database'];
  const tables = tablesAt(value, app, 'tables');
  const appendOnly = tablesAt(value, app, 'append_only');
  return [
    ...tables.faults,
    ...appendOnly.faults,
    ...tableFaults(tables.named, appendOnly.named),
    ...indexesAt(value, [...at, 'tables']).flatMap((index) =>
      columnFaults(value, [...at, 'tables', index]),
    ),
    ...roleFaults(value, at),
    ...shared(
      ['owner_url_env', 'app_url_env'].flatMap((key) => optional(textAt(value, [...at, key]))),
      () => 'The owner and the application log in with the same URL.',
      'Give the application a role of its own: an owner can switch triggers off and on again and leave no line.',
    ),
    ...shared(
      ['app_url_env', 'archiver_url_env'].flatMap((key) => optional(textAt(value, [...at, key]))),
      () => 'The application and the role that pseudonymizes log in with the same URL.',
      'Give that role a login of its own: the application could change what history says of it.',
    ),
  ];
}

function tableFaults(
  tables: readonly ListedTable[],
  appendOnly: readonly ListedTable[],
): CrossFault[] {
  const faults: CrossFault[] = [];
  const lists = { tables, append_only: appendOnly };
  const seen = new Map<string, string>();
  for (const [list, listed] of Object.entries(lists)) {
    for (const { at, table } of listed) {
      const name = showTable(table);
      const before = seen.get(name);
      if (before !== undefined) {
        faults.push({
          at,
          sentence:
            before === list
              ? `The table ${name} stands in \`${list}\` twice.`
              : `The table ${name} stands both in \`${before}\` and in \`${list}\`.`,
          fix: 'A table either has its changes kept in history (`tables`) or takes no changes (`append_only`): leave it in one place.',
        });
      }
      seen.set(name, list);
    }
  }
  for (const { at, table } of tables) {
    if (!historyFits(table)) {
      faults.push({
        at,
        sentence: `The name of the table is too long for its triggers, trg_${table.name}_history_truncate: Postgres cuts names off after 63 bytes.`,
        fix: `Rename the table to at most ${longestCapturedTable} bytes.`,
      });
    }
    if (seen.has(showTable(historyOf(table)))) {
      faults.push({
        at,
        sentence: `The history of ${showTable(table)} is ${showTable(historyOf(table))}, which is listed as a table of its own.`,
        fix: 'Take the history table off the list: it is made and guarded with its table.',
      });
    }
  }
  return faults;
}

function roleFaults(value: unknown, at: KeyPath): CrossFault[] {
  const faults: CrossFault[] = [];
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
  return faults;
}
