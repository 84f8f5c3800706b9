import { createHash } from 'node:crypto';
import { type CaptureNames, captureNames, showIdentifier, showName } from './capture-names.ts';
import {
  type BaselineReason,
  type Catalogue,
  type FunctionState,
  nameKey,
  type TableState,
} from './catalogue.ts';
import type { CoverageFacts } from './coverage-facts.ts';
import { type InstalledForm, installedForm } from './coverage-form.ts';
import { planShape } from './image-shape.ts';
import { planAppendOnly } from './plan-guards.ts';
import { planHistory } from './plan-history.ts';
import { planTables } from './plan-tables.ts';
import { planCaptureTriggers, recordOf } from './plan-triggers.ts';
import type { PlannedObject } from './planned-object.ts';
import { functionBody, functionSettings } from './sql-file.ts';
import type { CapturedName, CapturedTable, CaptureTarget } from './target.ts';

/** Whether an image of every row is known. */
export interface BaselineState {
  /** `not needed`: of a table without a key both images of each change are kept. */
  readonly state: 'complete' | 'being taken' | 'none' | 'needed' | 'not needed' | 'unknown';
  /** Since when before and after are told of every row; of one that is needed, until when it was so is not told. */
  readonly since: Date | null;
  /** Why one is needed. */
  readonly because: readonly BaselineReason[];
}

/** All that coverage judges from. */
export interface CoverageLook {
  readonly catalogue: Catalogue;
  readonly target: CaptureTarget;
  readonly facts: CoverageFacts;
  /** Of captured tables, by nameKey; none where that can't be told. */
  readonly baselines: ReadonlyMap<string, BaselineState>;
  /** Limits too that hardly anyone need know. */
  readonly all: boolean;
}

/** One configured table that is there, with what install would do about it. */
export interface TableLook extends CoverageLook {
  readonly table: TableState & { readonly oid: string };
  readonly shown: string;
  readonly objects: readonly PlannedObject[];
}

/** One whose changes go to history. */
export interface CapturedLook extends TableLook {
  readonly configured: CapturedTable;
  readonly names: CaptureNames;
  /** The capture function that is in the database. */
  readonly fn: FunctionState | undefined;
  /** What it takes for granted; undefined where it is none of ours. */
  readonly form: InstalledForm | undefined;
  readonly history: ReturnType<Catalogue['relations']['get']>;
}

/**
 * What install would do about one table alone. Where it would refuse to do anything for what the table or its
 * configuration is, what it would do else is told too: what is captured goes on being captured.
 */
export function objectsOf(
  { catalogue, target }: CoverageLook,
  named: CapturedName,
  kind: 'history' | 'append_only',
): PlannedObject[] {
  const one = <Table extends CapturedName>(listed: readonly Table[]) =>
    listed.filter(({ schema, name }) => schema === named.schema && name === named.name);
  const [configured] = kind === 'history' ? one(target.tables) : [];
  const planned = planTables(catalogue, {
    ...target,
    tables: configured === undefined ? [] : [configured],
    appendOnly: kind === 'history' ? [] : one(target.appendOnly),
  });
  const table = catalogue.tables.get(nameKey(named.schema, named.name));
  const refused = planned.some((object) => object.kind === 'table' && object.action === 'refuse');
  if (!refused || table === undefined || (table.kind !== 'r' && table.kind !== 'p')) return planned;
  if (configured === undefined)
    return [...planned, ...planAppendOnly(catalogue, target, table).triggers];
  const names = captureNames(configured);
  const history = catalogue.relations.get(nameKey(names.schema, names.history));
  const shape = planShape(catalogue, table, configured, names, history);
  const { fn, triggers } = planCaptureTriggers(catalogue, target, table, configured, names, shape);
  return [...planned, ...planHistory(catalogue, target, names, shape), fn, ...triggers];
}

/** Looks at a captured table; undefined where there is none of that name. */
export function lookAtCaptured(
  look: CoverageLook,
  configured: CapturedTable,
): CapturedLook | undefined {
  const { catalogue } = look;
  const table = existing(look, configured);
  if (table === undefined) return undefined;
  const names = captureNames(configured);
  const fn = catalogue.functions.get(nameKey(names.schema, names.function));
  return {
    ...look,
    configured,
    table,
    names,
    shown: showName(table.schema, table.name),
    objects: objectsOf(look, configured, 'history'),
    fn,
    form: fn === undefined ? undefined : installedForm(fn),
    history: catalogue.relations.get(nameKey(names.schema, names.history)),
  };
}

/** Looks at an append-only table; undefined where there is none of that name. */
export function lookAtAppendOnly(look: CoverageLook, name: CapturedName): TableLook | undefined {
  const table = existing(look, name);
  if (table === undefined) return undefined;
  return {
    ...look,
    table,
    shown: showName(table.schema, table.name),
    objects: objectsOf(look, name, 'append_only'),
  };
}

function existing({ catalogue }: CoverageLook, { schema, name }: CapturedName) {
  const table = catalogue.tables.get(nameKey(schema, name));
  return table === undefined || table.oid === null ? undefined : { ...table, oid: table.oid };
}

/** What is to be done about a trigger on a table or partition; undefined where the plan has none of the name. */
export function plannedTrigger(
  objects: readonly PlannedObject[],
  trigger: string,
  place: CapturedName,
): PlannedObject | undefined {
  const name = `${showIdentifier(trigger)} on ${showName(place.schema, place.name)}`;
  return objects.find((object) => object.name === name || object.name === `${name} (disabled)`);
}

/**
 * Whether the function in the database is the one that was installed, its text and what it runs with. Of
 * another version's, or where its notes can't be read, that can't be told.
 */
export function functionState(
  {
    catalogue,
    fn,
    objects,
    table,
    target,
  }: Pick<CapturedLook, 'catalogue' | 'fn' | 'objects' | 'target'> & { readonly table: TableState },
  planned: PlannedObject,
): 'as installed' | 'altered' | 'unknown' {
  const createSql = planned.sql[0];
  const record = recordOf(catalogue, 'history', table);
  if (fn === undefined || objects.length === 0) return 'unknown';
  if (createSql === undefined) return planned.action === 'refuse' ? 'altered' : 'as installed';
  const attributes =
    fn.security_definer &&
    fn.owner === target.owner &&
    fn.language === 'plpgsql' &&
    !fn.granted &&
    [...fn.settings].sort().join('\n') === functionSettings(createSql).sort().join('\n');
  if (!attributes) return 'altered';
  if (record === undefined) return 'unknown';
  const installed = createSql.split(functionBody(createSql)).join(fn.source);
  const fingerprint = createHash('sha256').update(installed).digest('hex');
  if (fingerprint === record.fingerprint) return 'as installed';
  // The same text as would be made now, and yet not as it was noted: its text was changed since.
  return planned.why === 'it was altered since it was installed' ? 'altered' : 'unknown';
}
