import { createHash } from 'node:crypto';
import pg from 'pg';
import { hasBaseline } from './baseline-cover.ts';
import { planBaseline } from './baseline-plan.ts';
import { captureFunctionSql } from './capture-function.ts';
import { type CaptureNames, showIdentifier, showName } from './capture-names.ts';
import { type Catalogue, nameKey, type TableRecord, type TableState } from './catalogue.ts';
import type { ImageShape } from './image-shape.ts';
import { planFunction } from './plan-function.ts';
import { events, type Place, places, planOneTrigger, triggerBits } from './plan-one-trigger.ts';
import type { PlannedObject } from './planned-object.ts';
import { formerTriggers } from './renamed-table.ts';
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
  const record = recordOf(catalogue, 'history', table);
  const ours = record !== undefined;
  // In another schema its own triggers have the same names as those of before.
  const former = formerTriggers(catalogue, table, names);
  const placed = places(table).map((place) => ({
    place,
    triggers: events.map((event) =>
      planStatementTrigger(
        catalogue,
        configured,
        names,
        place,
        event,
        ours ||
          former.some(
            (own) => own.table_oid === place.oid && own.trigger === names.triggers[event],
          ),
      ),
    ),
  }));
  const given = {
    names,
    table,
    configured,
    shape,
    encoding: catalogue.server.encoding,
    witness: target.witness !== false,
  };
  const forms = [true, false].map((keepBefore) => {
    const sql = captureFunctionSql({ ...given, keepBefore });
    return { keepBefore, sql, fingerprint: createHash('sha256').update(sql).digest('hex') };
  });
  const planForm = (sql: string, drift: string) =>
    planFunction(catalogue, target, { schema: names.schema, name: names.function }, sql, {
      ours,
      drift,
    });
  // It was installed in one of the two forms and has neither now.
  const altered =
    forms.some(({ fingerprint }) => fingerprint === record?.fingerprint) &&
    forms.every(({ sql }) => planForm(sql, '').sql.length > 0);
  const off = placed.filter(({ place, triggers }) =>
    triggers.some((trigger) => wasOff(catalogue, place, trigger)),
  );
  const baseline = planBaseline(catalogue, table, shape, {
    whole:
      altered ||
      off.some(({ place }) => place.place === 'table') ||
      !catalogue.relations.has(nameKey(names.schema, names.history)),
    places: off.map(({ place }) => place),
  });
  const keepBefore = baseline.begins || !hasBaseline(catalogue, table, shape.number);
  const form = forms.find((one) => one.keepBefore === keepBefore);
  if (form === undefined) throw new Error('the capture function has no such form');
  const { sql, fingerprint } = form;
  const otherForm = forms.some((one) => planForm(one.sql, '').sql.length === 0);
  return {
    fn: planForm(sql, whyChanged({ altered, otherForm, keepBefore })),
    triggers: [
      ...placed.flatMap(({ triggers }) => triggers),
      ...planRowTriggers(
        catalogue,
        table,
        configured,
        names,
        ours || former.some((own) => own.trigger === names.triggers.row),
      ),
      ...baseline.objects,
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

/** Why the function that is there is not the one that has to be. */
function whyChanged(found: {
  readonly altered: boolean;
  /** All that has changed is whether it keeps the image before each UPDATE. */
  readonly otherForm: boolean;
  readonly keepBefore: boolean;
}): string {
  if (found.altered) return 'it was altered since it was installed';
  if (!found.otherForm) {
    return 'the table, its configuration or the version of pgwitness has changed since it was installed';
  }
  return found.keepBefore
    ? 'it has to keep both images of each UPDATE until a baseline is complete'
    : 'its baseline is complete, so that one image of each UPDATE does';
}

/** Whether a trigger did not fire, or not as it has to, so that writes may have gone uncaptured. */
function wasOff(catalogue: Catalogue, place: Place, planned: PlannedObject): boolean {
  if (planned.sql.length === 0) return false;
  // From ALWAYS to as usual or back: it is all that would be done, and it fired all along.
  const firing = catalogue.triggers.some(
    ({ table_oid, enabled, name }) =>
      table_oid === place.oid &&
      (enabled === 'O' || enabled === 'A') &&
      planned.name.startsWith(`${showIdentifier(name)} on `),
  );
  return !firing || planned.sql.length > 1;
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
