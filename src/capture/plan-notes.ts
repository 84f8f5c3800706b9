import { captureNames, showIdentifier, showName } from './capture-names.ts';
import { type Catalogue, nameKey } from './catalogue.ts';
import type { CaptureTarget } from './target.ts';

/** What a reader of the plan has to know and no object of it says: limits, and controls that don't hold. */
export function planNotes(catalogue: Catalogue, target: CaptureTarget): string[] {
  return [
    ...roleNotes(catalogue, target),
    'A row whose JSON would be larger than 1 GB can’t be captured: writing it fails.',
    ...target.tables.flatMap(({ schema, name }) => tableNotes(catalogue, target, schema, name)),
    ...target.appendOnly.flatMap(({ schema, name }) => appendOnlyNotes(catalogue, schema, name)),
    ...leftOverNotes(catalogue, target),
    ...keyNotes(catalogue),
  ];
}

function roleNotes({ roles, server }: Catalogue, target: CaptureTarget): string[] {
  const notes: string[] = [];
  // The owner may well be listed, so that its DDL is logged. What it must not be is the application.
  const asApplication = target.roles.some(
    ({ name, history }) => name === target.owner && history.length > 0,
  );
  if (target.applicationLogin === target.owner || asApplication) {
    notes.push(
      `${target.owner} is both the owner and a role of the application: whoever has this login can switch capture off and on again, so the trail is evidence of tampering at best. Give the application a role of its own.`,
    );
  }
  for (const role of roles.values()) {
    if (!role.exists || role.name === target.owner) continue;
    if (role.superuser) {
      notes.push(`${role.name} is a superuser: nothing here binds it.`);
    } else if (role.member_of_owner) {
      notes.push(
        `${role.name} is a member of ${target.owner}: it can switch capture off and change history. Revoke the membership.`,
      );
    }
  }
  const inserters = target.roles.filter(({ history }) => history.includes('insert'));
  if (inserters.length > 0) {
    notes.push(
      `${inserters.map(({ name }) => showIdentifier(name)).join(', ')} may insert into history, and so add rows there that no write made. Capture itself needs no such privilege: leave \`insert\` out unless the application writes history too.`,
    );
  }
  if (server.bookkeeping?.readable === false) {
    notes.push(
      `${server.user} may not read the schema pgwitness: what was installed before is told from the catalogue alone.`,
    );
  }
  return notes;
}

function tableNotes(
  catalogue: Catalogue,
  target: CaptureTarget,
  schema: string,
  name: string,
): string[] {
  const table = catalogue.tables.get(nameKey(schema, name));
  if (table === undefined || table.oid === null) return [];
  const shown = showName(schema, name);
  const notes: string[] = [];
  if (table.key_columns.length === 0) {
    notes.push(`${shown} has no primary key: its changes are captured without a row key.`);
  }
  if (table.virtual_columns.length > 0) {
    notes.push(
      `${shown} has virtual generated columns, which are null in images, as triggers see them (${table.virtual_columns.join(', ')}); they follow from the others.`,
    );
  }
  if (table.kind === 'p') {
    notes.push(
      `${shown} is partitioned: a partition made or attached later is captured row by row, and its TRUNCATE is not, until install runs again.`,
    );
  }
  if (table.has_heirs) {
    notes.push(
      `Other tables inherit from ${shown}: what is written to them directly is not captured.`,
    );
  }
  const { history } = captureNames({ schema, name });
  const configured = new Set(target.roles.map((role) => role.name));
  const strangers = (catalogue.relations.get(nameKey(schema, history))?.grants ?? [])
    .filter(({ grantee, public: all }) => !all && !configured.has(grantee))
    .filter(({ privilege }) => privilege !== 'select')
    .map(({ grantee, privilege }) => `${grantee} (${privilege})`);
  if (strangers.length > 0) {
    notes.push(
      `On ${showName(schema, history)} roles that the configuration does not name may write: ${[...new Set(strangers)].join(', ')}.`,
    );
  }
  return notes;
}

function appendOnlyNotes(catalogue: Catalogue, schema: string, name: string): string[] {
  const table = catalogue.tables.get(nameKey(schema, name));
  const shown = showName(schema, name);
  if (table?.kind === 'p') {
    return [
      `${shown} is partitioned: a partition made or attached later takes changes that name the partition itself, until install runs again.`,
    ];
  }
  return table?.has_heirs === true
    ? [`Other tables inherit from ${shown}: they take changes that name them directly.`]
    : [];
}

/** What earlier runs installed and the configuration no longer names. */
function leftOverNotes({ records, ownTriggers }: Catalogue, target: CaptureTarget): string[] {
  const configured = new Set([
    ...target.tables.map(({ schema, name }) => nameKey(schema, name)),
    ...target.appendOnly.map(({ schema, name }) => nameKey(schema, name)),
  ]);
  return records.tables
    .filter((record) => !configured.has(nameKey(record.table_schema, record.table_name)))
    .map((record) => {
      const shown = showName(record.table_schema, record.table_name);
      const writes = ownTriggers.some(
        ({ function_schema, function_name }) =>
          function_schema === record.table_schema && function_name === record.function_name,
      );
      if (record.kind === 'history' && !writes) {
        return `${shown} is no longer configured nor captured; its history stays.`;
      }
      return `${shown} is no longer configured, and stays ${record.kind === 'history' ? 'captured' : 'guarded'} until uninstall.`;
    });
}

/** What a lost key means, and what can't be told of one. */
function keyNotes({ own, server }: Catalogue): string[] {
  if (own.key === 'lost' || own.key === 'no-table') {
    return [
      'pgwitness.witness_key holds no key. Install makes a new one: lines and digests written with the old one can no longer be checked, and the same value gets another token than before. Where a backup has the old key, put that back instead.',
    ];
  }
  return own.key === 'hidden'
    ? [
        `${server.user} may not look at pgwitness.witness_key: that it holds a key is not looked at here.`,
      ]
    : [];
}
