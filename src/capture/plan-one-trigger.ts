import pg from 'pg';
import { showIdentifier, showName } from './capture-names.ts';
import type { Catalogue, TableState, TriggerState } from './catalogue.ts';
import { type PlannedObject, refuse } from './planned-object.ts';

/** Bits of pg_trigger.tgtype (src/include/catalog/pg_trigger.h); AFTER and STATEMENT are the absence of others. */
export const triggerBits = {
  row: 1,
  before: 2,
  insert: 4,
  delete: 8,
  update: 16,
  truncate: 32,
} as const;

/** The events that each have a trigger of their own. */
export const events = ['insert', 'update', 'delete', 'truncate'] as const;

/** A table that statements can name: the table itself, or one of its partitions. */
export interface Place {
  readonly oid: string | null;
  readonly schema: string;
  readonly name: string;
  readonly kind?: string | null;
  /** Applications write to it: it is locked before its triggers change. */
  readonly inUse: boolean;
}

/** The table and its partitions: a statement fires the triggers of the table it names alone. */
export function places(table: TableState): (Place & { readonly place: 'table' | 'partition' })[] {
  return [
    { ...table, place: 'table' as const, inUse: true },
    ...table.partitions
      .filter(({ kind }) => kind !== 'f')
      .map((partition) => ({ ...partition, place: 'partition' as const, inUse: true })),
  ];
}

/** What a trigger has to be like. */
export interface ExpectedTrigger {
  readonly kind: 'trigger' | 'guard';
  /** What has its name is ours to put right. */
  readonly ours: boolean;
  readonly matches: (found: TriggerState) => boolean;
  /** Its WHEN, as Postgres writes it. */
  readonly condition?: string;
  /** `A`: also under session_replication_role = replica. `D`: a copy that has its work done by another. */
  readonly enabled?: 'O' | 'A' | 'D';
}

/** One trigger: made, left, put right, or refused where another hand made it. */
export function planOneTrigger(
  catalogue: Catalogue,
  place: Place,
  trigger: string,
  createSql: string,
  expected: ExpectedTrigger,
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
  const enabled = expected.enabled ?? 'O';
  const setState = `alter table only ${table} ${stateWords[enabled]} trigger ${pg.escapeIdentifier(trigger)};`;
  const create = enabled === 'O' ? [createSql] : [createSql, setState];
  const found = catalogue.triggers.find(
    (candidate) => candidate.table_oid === place.oid && candidate.name === trigger,
  );
  if (found === undefined) return { ...base, action: 'create', sql: create };
  const right =
    expected.matches(found) &&
    found.conditional === (expected.condition !== undefined) &&
    found.condition === (expected.condition ?? null) &&
    !found.is_constraint;
  if (right && found.enabled === enabled) {
    return { ...base, action: expected.ours ? 'unchanged' : 'adopt', sql: [] };
  }
  if (!expected.ours && !right) {
    const fix = `Where another migration made it, take it away, and run again: ${dropSql}`;
    const calls = showName(found.function_schema, found.function_name);
    return refuse('trigger', name, `it exists and is not ours (it calls ${calls})`, fix);
  }
  return {
    ...base,
    action: 'change',
    why: right ? `it is ${stateOf(found.enabled)}` : 'it is not as capture makes it',
    sql: right ? [setState] : [dropSql, ...create],
  };
}

const stateWords = { O: 'enable', A: 'enable always', D: 'disable' } as const;

function stateOf(enabled: string): string {
  if (enabled === 'D') return 'disabled';
  if (enabled === 'O') return 'enabled as usual';
  return enabled === 'R' ? 'enabled for replicas alone' : 'enabled as ALWAYS';
}
