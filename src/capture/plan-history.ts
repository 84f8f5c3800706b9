import pg from 'pg';
import { type CaptureNames, showIdentifier, showName } from './capture-names.ts';
import { type Catalogue, nameKey, type RelationState } from './catalogue.ts';
import { type PlannedObject, refuse } from './planned-object.ts';
import { renderSql } from './sql-file.ts';
import type { CaptureRole, CaptureTarget } from './target.ts';

/** The columns that the capture function relies on, as history-table.sql makes them. */
export const historyColumns: Readonly<Record<string, string>> = {
  id: 'bigint',
  operation: 'text',
  changed_at: 'timestamp with time zone',
  xid: 'xid8',
  session_role: 'text',
  active_role: 'text',
  actor: 'text',
  request_id: 'text',
  application_name: 'text',
  client_addr: 'inet',
  partition_name: 'text',
  row_key: 'jsonb',
  image: 'json',
};

/** The CHECKs of history-table.sql, as pg_get_constraintdef tells them. */
const historyLimits: readonly string[] = [
  "CHECK ((operation = ANY (ARRAY['INSERT'::text, 'UPDATE'::text, 'DELETE'::text, 'TRUNCATE'::text])))",
  "CHECK (((operation = 'TRUNCATE'::text) = (image IS NULL)))",
];

/** `<table>_history`, its index, and who may do what on it. */
export function planHistory(
  catalogue: Catalogue,
  target: CaptureTarget,
  names: CaptureNames,
): PlannedObject[] {
  const { schema, history } = names;
  const shown = showName(schema, history);
  const relation = catalogue.relations.get(nameKey(schema, history));
  const ours = catalogue.records.tables.some(
    (record) =>
      record.kind === 'history' &&
      record.table_schema === schema &&
      record.history_name === history,
  );
  const faults = relation === undefined ? [] : shapeFaults(relation, target.owner, ours, catalogue);
  if (faults.length > 0) {
    const identifier = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(history)}`;
    const fix = `Keep it as the trail so far under another name, and run again: alter table ${identifier} rename to ${pg.escapeIdentifier(`${names.table}_history_before`)};`;
    return [refuse('history', shown, `it exists in a shape of its own: ${faults.join(', ')}`, fix)];
  }
  const values = { schema, table: names.table, history, index: names.index };
  return [
    {
      kind: 'history',
      name: shown,
      action: relation === undefined ? 'create' : ours ? 'unchanged' : 'adopt',
      sql:
        relation === undefined
          ? [renderSql('history-table', values), renderSql('revoke-all', { schema, history })]
          : [],
      // What was captured outlives capture: uninstall drops it only when told twice.
      undo: [],
    },
    planIndex(catalogue, names, values),
    ...planGrants(relation, target, names),
  ];
}

/** Why the capture function could not write into it, or why it would not be safe to. */
export function shapeFaults(
  relation: RelationState,
  owner: string,
  ours: boolean,
  catalogue: Pick<Catalogue, 'triggers'>,
): string[] {
  if (relation.kind !== 'r') return ['it is no ordinary table'];
  const faults: string[] = [];
  if (relation.owner !== owner) faults.push(`it belongs to ${relation.owner}, not to ${owner}`);
  if (relation.persistence !== 'p') faults.push('it does not survive a crash (unlogged)');
  if (relation.row_security) faults.push('it has row security');
  if (relation.inherits) faults.push('it is part of an inheritance or of a partitioned table');
  if (relation.has_rules) faults.push('it has rules');
  for (const [name, type] of Object.entries(historyColumns)) {
    const column = relation.columns.find((candidate) => candidate.name === name);
    if (column === undefined) faults.push(`it lacks ${name} ${type}`);
    else if (column.type !== type) faults.push(`${name} is ${column.type}, not ${type}`);
  }
  for (const { name, required } of relation.columns) {
    const filled = name in historyColumns && name !== 'id';
    if (required && !filled) faults.push(`${name} needs a value that capture does not give`);
  }
  for (const limit of relation.limits) {
    if (!historyLimits.includes(limit)) faults.push(`it has ${limit}`);
  }
  // A trigger of another hand can fail the user's write; on a table of ours it is the owner's choice.
  const triggers = catalogue.triggers.filter(
    (trigger) => trigger.table_oid === relation.oid && trigger.function_schema !== 'pgwitness',
  );
  if (!ours) faults.push(...triggers.map(({ name }) => `it has the trigger ${name}`));
  return faults;
}

function planIndex(
  catalogue: Catalogue,
  names: CaptureNames,
  values: Readonly<Record<string, string>>,
): PlannedObject {
  const { schema, index, history } = names;
  const shown = showName(schema, index);
  const relation = catalogue.relations.get(nameKey(schema, index));
  if (relation === undefined) {
    const sql = [renderSql('history-index', values)];
    return { kind: 'index', name: shown, action: 'create', sql, undo: [] };
  }
  const table = catalogue.relations.get(nameKey(schema, history));
  return table !== undefined && relation.index_of === table.oid
    ? { kind: 'index', name: shown, action: 'unchanged', sql: [], undo: [] }
    : refuse('index', shown, 'the name is taken', `Rename what is called ${shown}, and run again.`);
}

/** Privileges that are given on some columns alone. */
const limitedTo: Readonly<Partial<Record<CaptureRole['history'][number], readonly string[]>>> = {
  // An id of the writer's own choosing would sooner or later fail a captured write, at the primary key.
  insert: Object.keys(historyColumns).filter((name) => name !== 'id'),
  // Pseudonymising reaches the image alone: who changed what and when stays as it was captured.
  update: ['image'],
};

const shownLimits: Readonly<Partial<Record<CaptureRole['history'][number], string>>> = {
  insert: ' (all but id)',
  update: ' (image)',
};

/** `select`, `update (image)`, `insert (changed_at, xid) with grant option`: what a role holds, one a privilege. */
function heldBy(relation: RelationState | undefined, role: string): string[] {
  const columns = new Map<string, string[] | undefined>();
  for (const { public: all, grantee, privilege, grantable, column } of relation?.grants ?? []) {
    if (all || grantee !== role) continue;
    const name = `${privilege}${grantable ? ' with grant option' : ''}`;
    if (column === null) columns.set(name, undefined);
    else if (!columns.has(name)) columns.set(name, [column]);
    else columns.get(name)?.push(column);
  }
  return [...columns].map(([name, limit]) => showGrant(name, limit));
}

function showGrant(privilege: string, columns: readonly string[] | undefined): string {
  return columns === undefined ? privilege : `${privilege} (${[...columns].sort().join(', ')})`;
}

/** Privileges of the configured roles and of PUBLIC on one history table. */
function planGrants(
  relation: RelationState | undefined,
  target: CaptureTarget,
  { schema, history }: CaptureNames,
): PlannedObject[] {
  const shown = showName(schema, history);
  const table = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(history)}`;
  const objects: PlannedObject[] = [];
  const isPublic = relation?.grants.some((grant) => grant.public) ?? false;
  if (isPublic) {
    objects.push({
      kind: 'grant',
      name: `everyone on ${shown}: nothing`,
      action: 'change',
      why: 'PUBLIC holds privileges on it',
      sql: [`revoke all on ${table} from public cascade;`],
      undo: [],
    });
  }
  if (relation?.sequence_granted === true) {
    objects.push({
      kind: 'grant',
      name: `everyone on the sequence of ${shown}: nothing`,
      action: 'change',
      why: 'someone besides the owner may use it',
      sql: [renderSql('revoke-sequence', { schema, history })],
      undo: [],
    });
  }
  for (const role of target.roles) {
    if (role.name === target.owner) continue;
    objects.push(planGrant(relation, role, shown, table));
  }
  return objects;
}

function planGrant(
  relation: RelationState | undefined,
  role: CaptureRole,
  shown: string,
  table: string,
): PlannedObject {
  const wanted = [...new Set(role.history)].sort();
  const held = heldBy(relation, role.name);
  const expected = wanted.map((privilege) => showGrant(privilege, limitedTo[privilege]));
  const same = [...held].sort().join() === [...expected].sort().join();
  const grantee = pg.escapeIdentifier(role.name);
  // From a new table everything has just been revoked.
  const sql = relation === undefined ? [] : [`revoke all on ${table} from ${grantee} cascade;`];
  for (const privilege of wanted) {
    const columns = limitedTo[privilege];
    const limit = columns === undefined ? '' : ` (${columns.join(', ')})`;
    sql.push(`grant ${privilege}${limit} on ${table} to ${grantee};`);
  }
  const told = wanted.map((privilege) => `${privilege}${shownLimits[privilege] ?? ''}`);
  const name = `${showIdentifier(role.name)} on ${shown}: ${told.join(', ') || 'nothing'}`;
  if (same) return { kind: 'grant', name, action: 'unchanged', sql: [], undo: [] };
  return relation === undefined
    ? { kind: 'grant', name, action: 'create', sql, undo: [] }
    : {
        kind: 'grant',
        name,
        action: 'change',
        why: `it holds ${held.join(', ') || 'nothing'}`,
        sql,
        undo: [],
      };
}
