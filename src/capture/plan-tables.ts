import pg from 'pg';
import {
  type CaptureNames,
  captureNames,
  cutOffName,
  showIdentifier,
  showName,
} from './capture-names.ts';
import { type Catalogue, nameKey, type TableState } from './catalogue.ts';
import { planShape } from './image-shape.ts';
import { planAppendOnly, planHistoryGuards, planWitnessAppendOnly } from './plan-guards.ts';
import { planHistory, shapesOf } from './plan-history.ts';
import { planPseudonymizers } from './plan-pseudonym.ts';
import { planCaptureTriggers } from './plan-triggers.ts';
import { type PlannedObject, refuse } from './planned-object.ts';
import {
  planFormerTriggers,
  type RenamedTable,
  renamedFix,
  renamedTable,
} from './renamed-table.ts';
import type { CapturedTable, CaptureTarget } from './target.ts';

/** Objects of all tables: first what touches no table in use, then what needs a lock on one. */
export function planTables(catalogue: Catalogue, target: CaptureTarget): PlannedObject[] {
  const quiet: PlannedObject[] = [];
  const locking: PlannedObject[] = [];
  const records: PlannedObject[] = [];
  for (const name of target.tables) {
    const names = captureNames(name);
    const table = catalogue.tables.get(nameKey(name.schema, name.name));
    const renamed =
      table?.oid === null || table === undefined ? renamedTable(catalogue, names) : undefined;
    if (renamed !== undefined) {
      quiet.push(renamedFault(names, renamed));
      continue;
    }
    const faults = [
      ...tableFaults(catalogue, target, name, table),
      ...columnFaults(name, table),
      ...nameFaults(target, names),
      ...strayFaults(catalogue, table, names),
    ];
    if (faults.length > 0 || table === undefined) {
      quiet.push(...faults);
      continue;
    }
    const history = catalogue.relations.get(nameKey(names.schema, names.history));
    const shape = planShape(catalogue, table, name, names, history);
    const capture = planCaptureTriggers(catalogue, target, table, name, names, shape);
    quiet.push(
      ...planHistory(catalogue, target, names, shape),
      ...planHistoryGuards(catalogue, target, names, shapesOf(catalogue, names, shape)),
      capture.fn,
    );
    // In the order of the statements: the table's own may have the same names.
    locking.push(
      ...planFormerTriggers(catalogue, table, names),
      ...capture.triggers,
      ...planTriggerMakers(table),
    );
    records.push(capture.record);
  }
  quiet.push(...planPseudonymizers(catalogue, target), ...planWitnessAppendOnly(catalogue, target));
  for (const name of target.appendOnly) {
    const table = catalogue.tables.get(nameKey(name.schema, name.name));
    const faults = tableFaults(catalogue, target, name, table);
    if (faults.length > 0 || table === undefined) {
      quiet.push(...faults);
      continue;
    }
    const { triggers, record } = planAppendOnly(catalogue, target, table);
    locking.push(...triggers, ...planTriggerMakers(table));
    records.push(record);
  }
  return [...quiet, ...locking, ...records];
}

/** Why this table can't be captured or guarded. */
function tableFaults(
  catalogue: Catalogue,
  target: CaptureTarget,
  { schema, name }: { readonly schema: string; readonly name: string },
  table: TableState | undefined,
): PlannedObject[] {
  const shown = showName(schema, name);
  const identifier = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
  if (table === undefined || table.oid === null) {
    const why =
      table?.schema_exists === false
        ? `there is no schema ${schema} in the database ${catalogue.server.database}`
        : `there is no such table in the database ${catalogue.server.database}`;
    const fix = 'Correct the name in the configuration, or create the table first.';
    return [refuse('table', shown, why, fix, true)];
  }
  if (table.kind !== 'r' && table.kind !== 'p') {
    const why = `it is ${kindOf(table.kind)}, and only tables have rows to capture`;
    return [refuse('table', shown, why, 'Name the table itself in the configuration.', true)];
  }
  if (table.partition_of !== null) {
    const why = `it is a partition of ${table.partition_of}, and a write that names that one would not be seen here`;
    const fix = `Name ${table.partition_of} in the configuration: its partitions come with it.`;
    return [refuse('table', shown, why, fix, true)];
  }
  const faults: PlannedObject[] = [];
  for (const foreign of table.foreign_heirs) {
    const why = `the foreign table ${foreign} is part of it, and Postgres fails every statement that reaches rows there through a table with capture triggers`;
    const fix = 'Take the foreign table off it, or the table out of the configuration.';
    faults.push(refuse('table', shown, why, fix));
  }
  if (table.persistence === 't') {
    faults.push(
      refuse('table', shown, 'it is temporary', 'Take it out of the configuration.', true),
    );
  }
  for (const { schema: within, name: part, owner } of [table, ...table.partitions]) {
    if (owner === target.owner) continue;
    const of = showName(within, part);
    const identified =
      of === shown ? identifier : `${pg.escapeIdentifier(within)}.${pg.escapeIdentifier(part)}`;
    const why = `it belongs to ${owner}, not to ${target.owner}, and a table's owner can take its triggers off`;
    const fix = `As ${owner} or a superuser: alter table ${identified} owner to ${pg.escapeIdentifier(target.owner)};`;
    faults.push(refuse('table', of, why, fix));
  }
  if (catalogue.server.owner_exists && !table.owner_may_create) {
    const why = `${target.owner} may not create objects in the schema ${schema}`;
    const fix = `As the schema's owner: grant create on schema ${pg.escapeIdentifier(schema)} to ${pg.escapeIdentifier(target.owner)};`;
    faults.push(refuse('table', shown, why, fix));
  }
  return faults;
}

/** Columns that the configuration names and the table does not have: one left out might be misspelt. */
function columnFaults(configured: CapturedTable, table: TableState | undefined): PlannedObject[] {
  if (table === undefined || table.oid === null) return [];
  const kinds = [
    ['exclude', configured.exclude],
    ['mask', configured.mask],
    ['personal', configured.personal],
  ] as const;
  return kinds.flatMap(([kind, names]) =>
    (names ?? [])
      .filter((name) => !table.columns.some((column) => column.name === name))
      .map((name) =>
        refuse(
          'table',
          showName(table.schema, table.name),
          `it has no column ${showIdentifier(name)}, which the configuration lists under ${kind}`,
          `Correct \`${kind}\` of this table in the configuration.`,
          true,
        ),
      ),
  );
}

/** Whoever may make triggers on a table may put one of their own in the place of ours, owner or not. */
function planTriggerMakers(table: TableState): PlannedObject[] {
  return table.trigger_makers.map(({ schema, name, grantee, public: everyone }) => {
    const of = showName(schema, name);
    const identifier = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
    const role = everyone ? 'public' : pg.escapeIdentifier(grantee);
    return {
      kind: 'grant',
      name: `${everyone ? 'everyone' : showIdentifier(grantee)} on ${of}: no trigger`,
      action: 'change',
      why: 'it may replace the triggers of capture',
      sql: [`revoke trigger on ${identifier} from ${role} cascade;`],
      undo: [],
    };
  });
}

/** The configured name is that of a table that has another now. */
function renamedFault(names: CaptureNames, now: RenamedTable): PlannedObject {
  const why = `it is called ${showName(now.schema, now.name)} now, and what is written to it still goes into ${showName(names.schema, names.history)}`;
  const shown = showName(names.schema, names.table);
  return refuse('table', shown, why, renamedFix(names, now), true);
}

/** Tables that were captured under this name and have another now: both would write into one history. */
function strayFaults(
  { ownTriggers }: Catalogue,
  table: TableState | undefined,
  names: ReturnType<typeof captureNames>,
): PlannedObject[] {
  const stray = ownTriggers.filter(
    ({ function_schema, function_name, arguments: given, table_oid }) =>
      function_schema === names.schema &&
      function_name === names.function &&
      // What a partition writes says which one it is; one that was detached does no harm.
      given === 'table\\000' &&
      table_oid !== table?.oid,
  );
  const drops = new Map<string, string[]>();
  for (const { schema, table: on, trigger } of stray) {
    const of = showName(schema, on);
    const sql = `drop trigger ${pg.escapeIdentifier(trigger)} on ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(on)};`;
    drops.set(of, [...(drops.get(of) ?? []), sql]);
  }
  return [...drops].map(([of, sql]) => {
    const why = `it was captured as ${showName(names.schema, names.table)} and still writes into ${showName(names.schema, names.history)}`;
    const fix = `Give it its name back, or take its triggers off: ${sql.join(' ')}`;
    return refuse('table', of, why, fix);
  });
}

function kindOf(kind: string | null): string {
  const known: Readonly<Record<string, string>> = {
    v: 'a view',
    m: 'a materialized view',
    f: 'a foreign table',
    S: 'a sequence',
    i: 'an index',
    I: 'an index',
    c: 'a type',
  };
  return known[kind ?? ''] ?? 'no table';
}

/** Names that Postgres would cut off, or that two objects would share. */
function nameFaults(
  target: CaptureTarget,
  names: ReturnType<typeof captureNames>,
): PlannedObject[] {
  const shown = showName(names.schema, names.table);
  const cut = cutOffName(names);
  if (cut !== undefined) {
    const why = `${cut.name} would be longer than the 63 bytes at which Postgres cuts names off`;
    const fix = `Only tables with names of up to ${cut.longestTable} bytes can be captured: rename it.`;
    return [refuse('table', shown, why, fix, true)];
  }
  const taken = [...target.tables, ...target.appendOnly].some(
    ({ schema, name }) => schema === names.schema && name === names.history,
  );
  if (!taken) return [];
  const why = `its history would be ${showName(names.schema, names.history)}, which is configured as a table itself`;
  return [refuse('table', shown, why, 'Take one of the two out of the configuration.', true)];
}
