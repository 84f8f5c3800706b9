import { createHash } from 'node:crypto';
import { pinnedSettings, rowDigest, speak, witnessedName } from './capture-function.ts';
import type { CaptureNames } from './capture-names.ts';
import { type Catalogue, nameKey, type TableState } from './catalogue.ts';
import { planFunction } from './plan-function.ts';
import { historyColumns } from './plan-history.ts';
import {
  type ExpectedTrigger,
  events,
  type Place,
  places,
  planOneTrigger,
  triggerBits,
} from './plan-one-trigger.ts';
import { planRecord, recordOf } from './plan-triggers.ts';
import type { PlannedObject } from './planned-object.ts';
import { renderSql } from './sql-file.ts';
import type { CaptureTarget } from './target.ts';

const witnessTriggers = {
  insert: 'pgwitness_witness_insert',
  update: 'pgwitness_witness_update',
  delete: 'pgwitness_witness_delete',
  truncate: 'pgwitness_witness_truncate',
} as const;

const witnessAppendOnly = { schema: 'pgwitness', name: 'witness_append_only' } as const;

/** An append-only table: no history, but guarded, and each statement on it witnessed. */
export function planAppendOnly(
  catalogue: Catalogue,
  target: CaptureTarget,
  table: TableState,
): { readonly triggers: PlannedObject[]; readonly record: PlannedObject } {
  const guards = places(table).map((place) => planGuard(catalogue, place, 'append-only'));
  const object = witnessedName(table.schema, table.name);
  const witnesses =
    target.witness === false
      ? []
      : places(table).flatMap((place) =>
          events.map((event) => {
            const rows = { insert: 'new', update: 'new', delete: 'old', truncate: null }[event];
            const trigger = witnessTriggers[event];
            const createSql = renderSql(`witness-append-only-${event}`, {
              schema: place.schema,
              table: place.name,
              trigger,
              object,
            });
            return planOneTrigger(catalogue, place, trigger, createSql, {
              kind: 'trigger',
              ours: true,
              matches: (found) =>
                found.type === triggerBits[event] &&
                found.update_columns.length === 0 &&
                found.new_table === (rows === 'new' ? 'captured_rows' : null) &&
                found.old_table === (rows === 'old' ? 'captured_rows' : null) &&
                found.function_schema === witnessAppendOnly.schema &&
                found.function_name === witnessAppendOnly.name,
            });
          }),
        );
  const fingerprint = createHash('sha256')
    .update(renderSql('guard-append-only', { schema: table.schema, table: table.name }))
    .digest('hex');
  return {
    triggers: [...guards, ...witnesses],
    record: planRecord(recordOf(catalogue, 'append_only', table), {
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

/** The function that witnesses all append-only tables; none where there are none. */
export function planWitnessAppendOnly(
  catalogue: Catalogue,
  target: CaptureTarget,
): PlannedObject[] {
  if (target.witness === false || target.appendOnly.length === 0) return [];
  const sql = renderSql('witness-append-only', {}, fragments(catalogue));
  const drift = 'it is not as this version of pgwitness makes it';
  return [planFunction(catalogue, target, witnessAppendOnly, sql, { ours: true, drift })];
}

/** What keeps history as it was written, and tells of whoever changes it all the same. */
export function planHistoryGuards(
  catalogue: Catalogue,
  target: CaptureTarget,
  names: CaptureNames,
  shapes: readonly { readonly number: number }[],
): PlannedObject[] {
  const history = catalogue.relations.get(nameKey(names.schema, names.history));
  const place: Place = {
    oid: history?.oid ?? null,
    schema: names.schema,
    name: names.history,
    inUse: false,
  };
  const replaceable = target.roles.some((role) => role.history.includes('update'));
  const values = { schema: names.schema, table: names.history };
  const keepXmin = renderSql('keep-first-xmin', values);
  const { row, before, update } = triggerBits;
  const guards = [
    planGuard(catalogue, place, replaceable ? 'all-but-image' : 'append-only'),
    planOneTrigger(catalogue, place, 'pgwitness_first_xmin', keepXmin, {
      kind: 'guard',
      ours: true,
      matches: (found) =>
        found.type === (row | before | update) &&
        found.function_schema === 'pgwitness' &&
        found.function_name === 'keep_first_xmin',
    }),
  ];
  if (target.witness === false) return guards;
  const fn = { schema: names.schema, name: names.witness };
  const noted = catalogue.records.tables.some(
    ({ table_schema, table_name }) => table_schema === names.schema && table_name === names.table,
  );
  const drift = 'history or the version of pgwitness has changed since it was installed';
  const sql = witnessHistorySql(catalogue, names, shapes);
  return [
    ...guards,
    planFunction(catalogue, target, fn, sql, { ours: noted, drift }),
    ...events.map((event) => {
      const trigger = witnessTriggers[event];
      const createSql = renderSql(`witness-history-${event}`, {
        ...values,
        trigger,
        function: names.witness,
        owner: target.owner,
      });
      const expected: ExpectedTrigger = {
        kind: 'trigger',
        ours: true,
        ...(event === 'insert' ? { condition: notByCapture(target.owner) } : {}),
        matches: (found) =>
          found.type === triggerBits[event] &&
          found.update_columns.length === 0 &&
          (event === 'insert' || event === 'truncate' || found.old_table !== null) &&
          found.function_schema === fn.schema &&
          found.function_name === fn.name,
      };
      return planOneTrigger(catalogue, place, trigger, createSql, expected);
    }),
  ];
}

/** The WHEN of sql/templates/witness-history-insert.sql as Postgres 14 to 18 write it. */
function notByCapture(owner: string): string {
  // Never in E quotes, whatever is in it.
  const literal = `'${owner.replaceAll("'", "''")}'`;
  return `((pg_trigger_depth() = 0) OR (CURRENT_USER <> ${literal}::name))`;
}

function witnessHistorySql(
  catalogue: Catalogue,
  names: CaptureNames,
  shapes: readonly { readonly number: number }[],
): string {
  return renderSql(
    'witness-history-function',
    {
      schema: names.schema,
      function: names.witness,
      object: witnessedName(names.schema, names.history),
    },
    {
      ...fragments(catalogue),
      new_digest: rowDigest('r.id', storedImages('r', shapes)),
      old_digest: rowDigest('o.id', storedImages('o', shapes)),
    },
  );
}

/** All images that a row of history holds, in their binary form; the absent ones add nothing. */
export function storedImages(
  alias: string,
  shapes: readonly { readonly number: number }[],
): string {
  const images = [...shapes]
    .sort((a, b) => a.number - b.number)
    .flatMap(({ number }) => [`image_${number}`, `before_${number}`])
    .map((column) => `coalesce(record_send(${alias}.${column}), '')`);
  const drifted = `coalesce(convert_to(${alias}.drifted::text, getdatabaseencoding()), '')`;
  return [...images, drifted].join(' || ');
}

function fragments({ server }: Catalogue) {
  return { pinned_settings: pinnedSettings(server.encoding), speak: speak() };
}

/** Columns of history that no UPDATE may name where a role may pseudonymize the image. */
const guardedColumns = Object.keys(historyColumns)
  .filter((name) => name !== 'drifted')
  .sort()
  .join();

/**
 * The guard on what only grows: an append-only table, or history. It refuses every UPDATE, or, with
 * `all-but-image`, every one that names another column than an image.
 */
function planGuard(
  catalogue: Catalogue,
  place: Place,
  refusing: 'append-only' | 'all-but-image',
): PlannedObject {
  const createSql = renderSql(`guard-${refusing}`, { schema: place.schema, table: place.name });
  const columns = refusing === 'all-but-image' ? guardedColumns : '';
  const { before, truncate, delete: deleted, update } = triggerBits;
  return planOneTrigger(catalogue, place, 'pgwitness_append_only', createSql, {
    kind: 'guard',
    // The name is ours alone, so what has it is ours to put right.
    ours: true,
    matches: (found) =>
      found.type === (before | truncate | deleted | update) &&
      [...found.update_columns].sort().join() === columns &&
      found.function_schema === 'pgwitness' &&
      found.function_name === 'refuse_change',
  });
}
