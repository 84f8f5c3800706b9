import pg from 'pg';
import { type CaptureNames, captureNames, showIdentifier, showName } from './capture-names.ts';
import type { Catalogue, OwnTrigger, TableState } from './catalogue.ts';
import { events } from './plan-one-trigger.ts';
import type { PlannedObject } from './planned-object.ts';
import type { CapturedName } from './target.ts';

/** A captured table that has another name now than the one it was installed under. */
export interface RenamedTable extends CapturedName {
  /** For each event it still has a trigger that fires. */
  readonly whole: boolean;
}

/** What the table of these names is called now; undefined where it was not renamed but is gone. */
export function renamedTable(
  { ownTriggers }: Catalogue,
  names: CaptureNames,
): RenamedTable | undefined {
  // What a partition writes says which one it is.
  const carried = ownTriggers.filter(
    (own) =>
      own.function_schema === names.schema &&
      own.function_name === names.function &&
      own.arguments === 'table\\000',
  );
  const [first] = carried;
  if (first === undefined) return undefined;
  const firing = carried.filter(
    ({ table_oid, enabled }) =>
      table_oid === first.table_oid && (enabled === 'O' || enabled === 'A'),
  );
  const whole = events.every((event) =>
    firing.some(({ trigger }) => trigger === names.triggers[event]),
  );
  return { schema: first.schema, name: first.table, whole };
}

/** What to do about a table that was renamed, as a sentence. */
export function renamedFix(names: CaptureNames, now: CapturedName): string {
  const id = pg.escapeIdentifier;
  const back = [
    ...(now.schema === names.schema
      ? []
      : [`alter table ${id(now.schema)}.${id(now.name)} set schema ${id(names.schema)};`]),
    ...(now.name === names.table
      ? []
      : [`alter table ${id(names.schema)}.${id(now.name)} rename to ${id(names.table)};`]),
  ].join(' ');
  const history = showName(now.schema, captureNames(now).history);
  return `Give it its name back: ${back} Or, if it is renamed for good, put ${showName(now.schema, now.name)} in the place of ${showName(names.schema, names.table)} in the configuration and run \`pgwitness install\`: it goes on in ${history}, and ${showName(names.schema, names.history)} keeps what it has.`;
}

/** Triggers on a table or its partitions that write into the history of another name. */
export function formerTriggers(
  { ownTriggers, records }: Catalogue,
  table: TableState,
  names: CaptureNames,
): readonly (OwnTrigger & { readonly of: CaptureNames })[] {
  const oids = new Set([table.oid, ...table.partitions.map(({ oid }) => oid)]);
  return ownTriggers.flatMap((own) => {
    if (!oids.has(own.table_oid)) return [];
    if (own.function_schema === names.schema && own.function_name === names.function) return [];
    const record = records.tables.find(
      ({ kind, table_schema, function_name }) =>
        kind === 'history' &&
        table_schema === own.function_schema &&
        function_name === own.function_name,
    );
    if (record === undefined) return [];
    const of = captureNames({ schema: record.table_schema, name: record.table_name });
    return [{ ...own, of }];
  });
}

/** Takes them off: in the transaction that makes the table's own, so that each change is captured once. */
export function planFormerTriggers(
  catalogue: Catalogue,
  table: TableState,
  names: CaptureNames,
): PlannedObject[] {
  return formerTriggers(catalogue, table, names).map(({ schema, table: on, trigger, of }) => {
    const identifier = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(on)}`;
    const history = showName(of.schema, of.history);
    return {
      kind: 'trigger',
      name: `no ${showIdentifier(trigger)} on ${showName(schema, on)}`,
      action: 'change',
      why: `it was captured as ${showName(of.schema, of.table)}; history so far stays in ${history}`,
      sql: [`drop trigger if exists ${pg.escapeIdentifier(trigger)} on ${identifier};`],
      undo: [],
      locks: identifier,
    };
  });
}
