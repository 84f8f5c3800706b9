import { createHash } from 'node:crypto';
import pg from 'pg';
import { type CaptureNames, showIdentifier, showName } from './capture-names.ts';
import {
  type Catalogue,
  type FunctionState,
  nameKey,
  type TableRecord,
  type TableState,
  type TriggerState,
} from './catalogue.ts';
import { historyColumns } from './plan-history.ts';
import { type PlannedObject, refuse } from './planned-object.ts';
import { functionBody, functionSettings, renderSql } from './sql-file.ts';
import type { CaptureTarget } from './target.ts';

/** Bits of pg_trigger.tgtype (src/include/catalog/pg_trigger.h); AFTER and STATEMENT are the absence of others. */
const bits = { before: 2, insert: 4, delete: 8, update: 16, truncate: 32 } as const;
const events = ['insert', 'update', 'delete', 'truncate'] as const;

/** What capture needs on one table: the function, and per table and partition one trigger an event. */
export function planCaptureTriggers(
  catalogue: Catalogue,
  target: CaptureTarget,
  table: TableState,
  names: CaptureNames,
): {
  readonly fn: PlannedObject;
  readonly triggers: PlannedObject[];
  readonly record: PlannedObject;
} {
  const sql = renderSql('capture-function', {
    schema: names.schema,
    history: names.history,
    function: names.function,
  });
  const fingerprint = createHash('sha256').update(sql).digest('hex');
  const record = catalogue.records.tables.find(
    (candidate) =>
      candidate.kind === 'history' &&
      candidate.table_schema === names.schema &&
      candidate.table_name === names.table,
  );
  const drift =
    record?.fingerprint === fingerprint
      ? 'it was altered since it was installed'
      : 'it was installed by another version of pgwitness';
  return {
    fn: planFunction(catalogue, target, names, sql, record, drift),
    triggers: places(table).flatMap((place) =>
      events.map((event) => planTrigger(catalogue, names, place, event, record)),
    ),
    record: planRecord(record, {
      schema: names.schema,
      table: names.table,
      kind: 'history',
      history: names.history,
      function: names.function,
      fingerprint,
      app: target.app ?? null,
    }),
  };
}

/** An append-only table: no history, a guard on it and on each partition. */
export function planAppendOnly(
  catalogue: Catalogue,
  target: CaptureTarget,
  table: TableState,
): { readonly guards: PlannedObject[]; readonly record: PlannedObject } {
  const record = catalogue.records.tables.find(
    (candidate) =>
      candidate.kind === 'append_only' &&
      candidate.table_schema === table.schema &&
      candidate.table_name === table.name,
  );
  const guards = places(table).map((place) => planGuard(catalogue, place, 'append-only'));
  const fingerprint = createHash('sha256')
    .update(renderSql('guard-append-only', { schema: table.schema, table: table.name }))
    .digest('hex');
  return {
    guards,
    record: planRecord(record, {
      schema: table.schema,
      table: table.name,
      kind: 'append_only',
      history: null,
      function: null,
      fingerprint,
      app: target.app ?? null,
    }),
  };
}

/** A table that statements can name: the table itself, or one of its partitions. */
interface Place {
  readonly oid: string | null;
  readonly schema: string;
  readonly name: string;
  readonly place: 'table' | 'partition';
  /** Applications write to it: it is locked before its triggers change. */
  readonly inUse: boolean;
}

/** A statement fires the triggers of the table it names alone, so each one needs its own. */
function places(table: TableState): Place[] {
  return [
    { ...table, place: 'table' as const, inUse: true },
    ...table.partitions
      .filter(({ kind }) => kind !== 'f')
      .map((partition) => ({ ...partition, place: 'partition' as const, inUse: true })),
  ];
}

function planFunction(
  catalogue: Catalogue,
  target: CaptureTarget,
  names: CaptureNames,
  createSql: string,
  record: TableRecord | undefined,
  drift: string,
): PlannedObject {
  const existing = catalogue.functions.get(nameKey(names.schema, names.function));
  const name = `${showName(names.schema, names.function)}()`;
  const identifier = `${pg.escapeIdentifier(names.schema)}.${pg.escapeIdentifier(names.function)}()`;
  const sql = [
    createSql,
    renderSql('revoke-execute', { schema: names.schema, function: names.function }),
  ];
  const undo = [`drop function if exists ${identifier};`];
  const base = { kind: 'function' as const, name, undo };
  if (existing === undefined) return { ...base, action: 'create', sql };
  if (functionMatches(existing, createSql, target.owner)) {
    return { ...base, action: record === undefined ? 'adopt' : 'unchanged', sql: [] };
  }
  if (existing.owner !== target.owner) {
    const fix = `As ${existing.owner} or a superuser: alter function ${identifier} owner to ${pg.escapeIdentifier(target.owner)};`;
    return refuse('function', name, `it belongs to ${existing.owner}, not to ${target.owner}`, fix);
  }
  if (record === undefined || !existing.is_trigger) {
    const fix = `Where another migration made it, take it away with its triggers, and run again: drop function ${identifier} cascade;`;
    return refuse('function', name, 'it exists and is not ours', fix);
  }
  return { ...base, action: 'change', why: drift, sql };
}

function functionMatches(existing: FunctionState, createSql: string, owner: string): boolean {
  return (
    existing.source === functionBody(createSql) &&
    [...existing.settings].sort().join('\n') ===
      functionSettings('capture-function').sort().join('\n') &&
    existing.security_definer &&
    existing.is_trigger &&
    existing.language === 'plpgsql' &&
    existing.owner === owner &&
    !existing.granted
  );
}

function planTrigger(
  catalogue: Catalogue,
  names: CaptureNames,
  place: Place,
  event: (typeof events)[number],
  record: TableRecord | undefined,
): PlannedObject {
  const trigger = names.triggers[event];
  const rows = { insert: 'new', update: 'new', delete: 'old', truncate: undefined }[event];
  const createSql = renderSql(`trigger-${event}`, {
    schema: place.schema,
    table: place.name,
    trigger,
    function_schema: names.schema,
    function: names.function,
    place: place.place,
  });
  return planOneTrigger(catalogue, place, trigger, createSql, {
    kind: 'trigger',
    ours: record !== undefined,
    matches: (found) =>
      found.type === bits[event] &&
      found.update_columns.length === 0 &&
      found.new_table === (rows === 'new' ? 'captured_rows' : null) &&
      found.old_table === (rows === 'old' ? 'captured_rows' : null) &&
      found.arguments === `${place.place}\\000` &&
      found.function_schema === names.schema &&
      found.function_name === names.function,
  });
}

/** Columns of history that no UPDATE may name where a role may pseudonymise the image. */
const guardedColumns = Object.keys(historyColumns)
  .filter((name) => name !== 'image')
  .sort()
  .join();

/**
 * The guard on what only grows: an append-only table, or history. It refuses every UPDATE, or, with
 * `all-but-image`, every one that names another column than the image.
 */
export function planGuard(
  catalogue: Catalogue,
  place: Omit<Place, 'place'>,
  refusing: 'append-only' | 'all-but-image',
): PlannedObject {
  const createSql = renderSql(`guard-${refusing}`, { schema: place.schema, table: place.name });
  const columns = refusing === 'all-but-image' ? guardedColumns : '';
  return planOneTrigger(catalogue, place, 'pgwitness_append_only', createSql, {
    kind: 'guard',
    // The name is ours alone, so what has it is ours to put right.
    ours: true,
    matches: (found) =>
      found.type === (bits.before | bits.truncate | bits.delete | bits.update) &&
      [...found.update_columns].sort().join() === columns &&
      found.function_schema === 'pgwitness' &&
      found.function_name === 'refuse_change',
  });
}

function planOneTrigger(
  catalogue: Catalogue,
  place: Omit<Place, 'place'>,
  trigger: string,
  createSql: string,
  expected: {
    readonly kind: 'trigger' | 'guard';
    readonly ours: boolean;
    readonly matches: (found: TriggerState) => boolean;
  },
): PlannedObject {
  const table = `${pg.escapeIdentifier(place.schema)}.${pg.escapeIdentifier(place.name)}`;
  const name = `${showIdentifier(trigger)} on ${showName(place.schema, place.name)}`;
  const dropSql = `drop trigger if exists ${pg.escapeIdentifier(trigger)} on ${table};`;
  const base = {
    kind: expected.kind,
    name,
    undo: [dropSql],
    ...(place.inUse ? { locks: table } : {}),
  };
  const found = catalogue.triggers.find(
    (candidate) => candidate.table_oid === place.oid && candidate.name === trigger,
  );
  if (found === undefined) return { ...base, action: 'create', sql: [createSql] };
  const right = expected.matches(found) && !found.conditional && !found.is_constraint;
  if (right && found.enabled === 'O') {
    return { ...base, action: expected.ours ? 'unchanged' : 'adopt', sql: [] };
  }
  if (!expected.ours && !right) {
    const fix = `Where another migration made it, take it away, and run again: ${dropSql}`;
    const calls = showName(found.function_schema, found.function_name);
    return refuse('trigger', name, `it exists and is not ours (it calls ${calls})`, fix);
  }
  const enable = `alter table ${table} enable trigger ${pg.escapeIdentifier(trigger)};`;
  return {
    ...base,
    action: 'change',
    why: right ? `it is ${stateOf(found.enabled)}` : 'it is not as capture makes it',
    sql: right ? [enable] : [dropSql, createSql],
  };
}

function stateOf(enabled: string): string {
  if (enabled === 'D') return 'disabled';
  return enabled === 'R' ? 'enabled for replicas alone' : 'enabled as ALWAYS';
}

function planRecord(
  record: TableRecord | undefined,
  wanted: {
    readonly schema: string;
    readonly table: string;
    readonly kind: TableRecord['kind'];
    readonly history: string | null;
    readonly function: string | null;
    readonly fingerprint: string;
    readonly app: string | null;
  },
): PlannedObject {
  const same =
    record?.fingerprint === wanted.fingerprint &&
    record.history_name === wanted.history &&
    record.function_name === wanted.function;
  const name = `${showName(wanted.schema, wanted.table)} in pgwitness.captured_table`;
  const undo = [
    `delete from pgwitness.captured_table where (table_schema, table_name, kind) = (${[wanted.schema, wanted.table, wanted.kind].map((value) => pg.escapeLiteral(value)).join(', ')});`,
  ];
  return {
    kind: 'record',
    name,
    action: record === undefined ? 'create' : same ? 'unchanged' : 'change',
    sql: same ? [] : [renderSql('record-table', { ...wanted })],
    undo,
  };
}
