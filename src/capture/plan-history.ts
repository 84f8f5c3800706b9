import pg from 'pg';
import { textArray } from './capture-function.ts';
import { type CaptureNames, imageType, showIdentifier, showName } from './capture-names.ts';
import { type Catalogue, nameKey, type RelationState } from './catalogue.ts';
import { changesViewSql } from './changes-view.ts';
import { type ImageShape, imageNumbers, knownShapes, typeAttributes } from './image-shape.ts';
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
  position: 'bigint',
  first_xmin: 'xid',
  drifted: 'json',
};

/** The CHECK of history-table.sql, as pg_get_constraintdef tells it. */
const historyLimits: readonly string[] = [
  "CHECK ((operation = ANY (ARRAY['INSERT'::text, 'UPDATE'::text, 'DELETE'::text, 'TRUNCATE'::text, 'BASELINE'::text])))",
];

/** `<table>_history` with its images, its index, the view on it, and who may do what on them. */
export function planHistory(
  catalogue: Catalogue,
  target: CaptureTarget,
  names: CaptureNames,
  shape: ImageShape,
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
  const shapes = shapesOf(catalogue, names, shape);
  return [
    {
      kind: 'history',
      name: shown,
      action: relation === undefined ? 'create' : ours ? 'unchanged' : 'adopt',
      sql:
        relation === undefined
          ? [
              renderSql('history-table', values),
              renderSql('history-identity', values),
              renderSql('revoke-all', { schema, history }),
            ]
          : [],
      // What was captured outlives capture: uninstall drops it only when told twice.
      undo: [],
    },
    planIndex(catalogue, names, values),
    planImages(names, shape),
    planView(catalogue, target, names, shapes),
    ...planGrants(catalogue, target, names, imageColumns(shapes)),
  ];
}

/** All shapes that history holds or is going to hold. */
export function shapesOf(
  catalogue: Catalogue,
  names: CaptureNames,
  shape: ImageShape,
): { readonly number: number; readonly keyColumns: readonly string[] }[] {
  const shapes = new Map<number, readonly string[]>();
  // Of an image that nothing is noted of its key is unknown, and its rows are shown all the same.
  const history = catalogue.relations.get(nameKey(names.schema, names.history));
  for (const number of imageNumbers(history)) shapes.set(number, []);
  for (const { number, key_columns } of knownShapes(catalogue, names)) {
    // Not of a history that was dropped since.
    if (shapes.has(number)) shapes.set(number, key_columns);
  }
  shapes.set(shape.number, shape.keyColumns);
  return [...shapes].map(([number, keyColumns]) => ({ number, keyColumns }));
}

function imageColumns(shapes: readonly { readonly number: number }[]): string[] {
  return ['drifted', ...shapes.flatMap(({ number }) => [`image_${number}`, `before_${number}`])];
}

/** The composite type of the images and the two columns of it. */
function planImages(names: CaptureNames, shape: ImageShape): PlannedObject {
  const { number, attributes } = shape;
  const type = imageType(names, number);
  const name = `image_${number} of ${showName(names.schema, names.history)}`;
  const base = { kind: 'image' as const, name, undo: [] };
  if (shape.exists && shape.recorded) return { ...base, action: 'unchanged', sql: [] };
  const values = { schema: names.schema, history: names.history, type };
  const columns = { image: `image_${number}`, before: `before_${number}` };
  const record = renderSql('record-shape', {
    schema: names.schema,
    table: names.table,
    number: String(number),
    attributes: JSON.stringify(attributes),
    key_columns: textArray(shape.keyColumns),
  });
  if (shape.exists) return { ...base, action: 'adopt', sql: [record] };
  return {
    ...base,
    action: 'create',
    sql: [
      renderSql('image-type', values, { attributes: typeAttributes(attributes) }),
      renderSql('image-columns', { ...values, ...columns }),
      record,
    ],
  };
}

function planView(
  catalogue: Catalogue,
  target: CaptureTarget,
  names: CaptureNames,
  shapes: readonly { readonly number: number; readonly keyColumns: readonly string[] }[],
): PlannedObject {
  const { schema, changes } = names;
  const shown = showName(schema, changes);
  const relation = catalogue.relations.get(nameKey(schema, changes));
  const sql = changesViewSql(names, shapes);
  const base = { kind: 'view' as const, name: shown, undo: [] };
  if (relation === undefined) {
    const revoke = renderSql('revoke-all', { schema, history: changes });
    return { ...base, action: 'create', sql: [sql, revoke] };
  }
  if (relation.kind !== 'v' || relation.owner !== target.owner) {
    const why = relation.kind === 'v' ? `it belongs to ${relation.owner}` : 'it is no view';
    return refuse(
      'view',
      shown,
      `the name is taken: ${why}`,
      `Rename what is called ${shown}, and run again.`,
    );
  }
  // Postgres keeps a view in a form of its own: which columns it reads tells whether it is the one.
  const wanted = [...imageColumns(shapes)].sort().join();
  const reads = relation.view_reads.filter((name) => /^(drifted|image_|before_)/.test(name));
  return [...reads].sort().join() === wanted
    ? { ...base, action: 'unchanged', sql: [] }
    : { ...base, action: 'change', why: 'it does not read all that history holds', sql: [sql] };
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
    (trigger) =>
      trigger.table_oid === relation.oid &&
      trigger.function_schema !== 'pgwitness' &&
      !trigger.name.startsWith('pgwitness_'),
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

/** What a role may do on one relation, and on which columns alone. */
interface Granted {
  readonly relation: RelationState | undefined;
  readonly shown: string;
  readonly identifier: string;
  readonly privileges: readonly CaptureRole['history'][number][];
  readonly limitedTo: Readonly<Partial<Record<CaptureRole['history'][number], readonly string[]>>>;
}

const shownLimits: Readonly<Partial<Record<CaptureRole['history'][number], string>>> = {
  insert: ' (no id, no image)',
  update: ' (images)',
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

/** Privileges of the configured roles and of PUBLIC on history and on the view that reads it. */
function planGrants(
  catalogue: Catalogue,
  target: CaptureTarget,
  { schema, history, changes }: CaptureNames,
  images: readonly string[],
): PlannedObject[] {
  const relation = catalogue.relations.get(nameKey(schema, history));
  const shown = showName(schema, history);
  const identifier = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(history)}`;
  const objects: PlannedObject[] = [];
  if (relation?.grants.some((grant) => grant.public) === true) {
    objects.push({
      kind: 'grant',
      name: `everyone on ${shown}: nothing`,
      action: 'change',
      why: 'PUBLIC holds privileges on it',
      sql: [`revoke all on ${identifier} from public cascade;`],
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
  const limitedTo = {
    // The id is the sequence's alone to give, and what was captured is capture's alone to say.
    insert: Object.keys(historyColumns).filter(
      (name) => !['id', 'position', 'first_xmin', 'drifted'].includes(name),
    ),
    // Pseudonymizing reaches the images alone: who changed what and when stays as it was captured.
    update: images,
  };
  for (const role of target.roles) {
    if (role.name === target.owner) continue;
    const privileges = [...new Set(role.history)].sort();
    objects.push(planGrant(role, { relation, shown, identifier, privileges, limitedTo }));
  }
  for (const role of target.roles) {
    if (role.name === target.owner || !role.history.includes('select')) continue;
    objects.push(
      planGrant(role, {
        relation: catalogue.relations.get(nameKey(schema, changes)),
        shown: showName(schema, changes),
        identifier: `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(changes)}`,
        privileges: ['select'],
        limitedTo: {},
      }),
    );
  }
  return objects;
}

function planGrant(role: CaptureRole, granted: Granted): PlannedObject {
  const { relation, shown, identifier, privileges, limitedTo } = granted;
  const held = heldBy(relation, role.name);
  const expected = privileges.map((privilege) => showGrant(privilege, limitedTo[privilege]));
  const same = [...held].sort().join() === [...expected].sort().join();
  const grantee = pg.escapeIdentifier(role.name);
  // From a new table everything has just been revoked.
  const sql =
    relation === undefined ? [] : [`revoke all on ${identifier} from ${grantee} cascade;`];
  for (const privilege of privileges) {
    const columns = limitedTo[privilege];
    const limit = columns === undefined ? '' : ` (${columns.join(', ')})`;
    sql.push(`grant ${privilege}${limit} on ${identifier} to ${grantee};`);
  }
  const told = privileges.map((privilege) =>
    limitedTo[privilege] === undefined ? privilege : `${privilege}${shownLimits[privilege] ?? ''}`,
  );
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
