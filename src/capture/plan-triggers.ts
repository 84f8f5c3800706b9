import { createHash } from 'node:crypto';
import pg from 'pg';
import { captureFunctionSql } from './capture-function.ts';
import { type CaptureNames, showName } from './capture-names.ts';
import type { Catalogue, TableRecord, TableState } from './catalogue.ts';
import type { ImageShape } from './image-shape.ts';
import { planFunction } from './plan-function.ts';
import { events, type Place, places, planOneTrigger, triggerBits } from './plan-one-trigger.ts';
import type { PlannedObject } from './planned-object.ts';
import { renderSql } from './sql-file.ts';
import type { CapturedTable, CaptureTarget } from './target.ts';

/** What capture needs on one table: the function, and per table and partition one trigger an event. */
export function planCaptureTriggers(
  catalogue: Catalogue,
  target: CaptureTarget,
  table: TableState,
  configured: CapturedTable,
  names: CaptureNames,
  shape: ImageShape,
): {
  readonly fn: PlannedObject;
  readonly triggers: PlannedObject[];
  readonly record: PlannedObject;
} {
  const sql = captureFunctionSql({
    names,
    table,
    configured,
    shape,
    encoding: catalogue.server.encoding,
    witness: target.witness !== false,
    keepBefore: !hasBaseline(catalogue, table),
  });
  const fingerprint = createHash('sha256').update(sql).digest('hex');
  const record = recordOf(catalogue, 'history', table);
  const drift =
    record?.fingerprint === fingerprint
      ? 'it was altered since it was installed'
      : 'the table, its configuration or the version of pgwitness has changed since it was installed';
  const fn = { schema: names.schema, name: names.function };
  const ours = { ours: record !== undefined, drift };
  const row = planRowTriggers(catalogue, table, configured, names, ours.ours);
  return {
    fn: planFunction(catalogue, target, fn, sql, ours),
    triggers: [
      ...places(table).flatMap((place) =>
        events.map((event) =>
          planStatementTrigger(catalogue, configured, names, place, event, ours.ours),
        ),
      ),
      ...row,
    ],
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

/** Whether the images of all rows that were there already are known, so that those before an UPDATE are. */
export function hasBaseline({ records }: Catalogue, { schema, name }: TableState): boolean {
  const taken = records.baselines.filter(
    ({ table_schema, table_name }) => table_schema === schema && table_name === name,
  );
  return taken.length > 0 && taken.at(-1)?.completed_at !== null;
}

/** What was noted when the table was installed as one of this kind. */
export function recordOf(
  { records }: Catalogue,
  kind: TableRecord['kind'],
  { schema, name }: TableState,
): TableRecord | undefined {
  return records.tables.find(
    (record) =>
      record.kind === kind && record.table_schema === schema && record.table_name === name,
  );
}

function planStatementTrigger(
  catalogue: Catalogue,
  configured: CapturedTable,
  names: CaptureNames,
  place: Place & { readonly place: string },
  event: (typeof events)[number],
  ours: boolean,
): PlannedObject {
  const trigger = names.triggers[event];
  const rows = {
    insert: { new: 'captured_rows', old: null },
    update: { new: 'captured_rows', old: 'replaced_rows' },
    delete: { new: null, old: 'captured_rows' },
    truncate: { new: null, old: null },
  }[event];
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
    ours,
    enabled: configured.always === true ? 'A' : 'O',
    matches: (found) =>
      found.type === triggerBits[event] &&
      found.update_columns.length === 0 &&
      found.new_table === rows.new &&
      found.old_table === rows.old &&
      found.arguments === `${place.place}\\000` &&
      found.function_schema === names.schema &&
      found.function_name === names.function,
  });
}

/**
 * On a partitioned table a row trigger too, of which each partition made or attached later gets a copy.
 * Partitions that have triggers of their own have theirs disabled, or each row would be captured twice.
 */
function planRowTriggers(
  catalogue: Catalogue,
  table: TableState,
  configured: CapturedTable,
  names: CaptureNames,
  ours: boolean,
): PlannedObject[] {
  if (table.kind !== 'p') return [];
  const trigger = names.triggers.row;
  const createSql = renderSql('trigger-row', {
    schema: table.schema,
    table: table.name,
    trigger,
    function_schema: names.schema,
    function: names.function,
  });
  const { row, insert, update, delete: deleted } = triggerBits;
  const matches = (found: { readonly type: number; readonly function_name: string }) =>
    found.type === (row | insert | update | deleted) && found.function_name === names.function;
  const parent = planOneTrigger(catalogue, { ...table, inUse: true }, trigger, createSql, {
    kind: 'trigger',
    ours,
    enabled: configured.always === true ? 'A' : 'O',
    matches,
  });
  const anew = parent.sql.some((sql) => sql === createSql);
  const copies = table.partitions
    .filter(({ kind }) => kind === 'r')
    .map((partition) => {
      const copy = planOneTrigger(catalogue, { ...partition, inUse: true }, trigger, '', {
        kind: 'trigger',
        ours,
        enabled: 'D',
        matches,
      });
      if (copy.action === 'unchanged' && !anew) return { ...copy, undo: [] };
      const identifier = `${pg.escapeIdentifier(partition.schema)}.${pg.escapeIdentifier(partition.name)}`;
      const disable = `alter table only ${identifier} disable trigger ${pg.escapeIdentifier(trigger)};`;
      return { ...copy, name: `${copy.name} (disabled)`, sql: [disable], undo: [] };
    });
  return [parent, ...copies];
}

/** What is noted of an installed table. */
export function planRecord(
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
