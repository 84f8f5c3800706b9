import type { ClientBase } from 'pg';
import { PgwitnessError } from '../error.ts';
import { isBroken } from './baseline-broken.ts';
import { baselinesOf, coversOf, holdsSince } from './baseline-cover.ts';
import { captureNames, showName } from './capture-names.ts';
import {
  type BaselineReason,
  type BaselineRecord,
  type Catalogue,
  nameKey,
  readCatalogue,
  type TableState,
} from './catalogue.ts';
import { attachedRowsOf } from './coverage-attached.ts';
import { type ImageShape, planShape } from './image-shape.ts';
import { planPreconditions } from './plan-bookkeeping.ts';
import { planTables } from './plan-tables.ts';
import { recordOf } from './plan-triggers.ts';
import type { PlannedObject } from './planned-object.ts';
import { renamedFix, renamedTable } from './renamed-table.ts';
import { sqlFile } from './sql-file.ts';
import type { CapturedName, CapturedTable, CaptureTarget } from './target.ts';

/** A table that is read row by row: a captured table, or a partition of one. */
export interface BaselineLeaf extends CapturedName {
  readonly oid: string;
  /** `"public"."users"` where it needs quotes: for SQL. */
  readonly identifier: string;
  readonly filenode: string;
  /** Of the server's block size. */
  readonly pages: number;
  /** An estimate; -1 where it was never analyzed. */
  readonly rows: number;
  /** TOAST included, indexes not. */
  readonly bytes: number;
  /** Oid of the database that it is in. */
  readonly database: number;
}

/** All that a baseline of one table depends on, as it is at one moment. */
export interface TableLook {
  readonly table: CapturedTable;
  /** For people. */
  readonly shown: string;
  readonly state: TableState;
  readonly shape: ImageShape;
  readonly leaves: readonly BaselineLeaf[];
  readonly records: readonly BaselineRecord[];
  /** What `install` would do about it, and a baseline does by itself: the function and what is noted of it. */
  readonly pending: readonly PlannedObject[];
  /**
   * What is wrong with capture itself: a trigger, a function or a guard is missing or altered. A sentence
   * without its full stop.
   */
  readonly off?: string;
  /**
   * What `install` has to do before a baseline can be taken, though all is captured meanwhile: the table has
   * changed, or has new partitions. A sentence without its full stop.
   */
  readonly behind?: string;
  /** Oids of partitions that no baseline has read and that need none: each row in them is in history. */
  readonly bornEmpty: ReadonlySet<string>;
}

/**
 * Looks at all captured tables of `target`, in a transaction that the caller has begun, its path pinned.
 * Throws PgwitnessError where the server or the owner is not as it has to be, or a table is not there.
 */
export async function lookAtTables(
  client: ClientBase,
  target: CaptureTarget,
): Promise<readonly TableLook[]> {
  const catalogue = await readCatalogue(client, target);
  const refusal = planPreconditions(catalogue, target)[0];
  if (refusal !== undefined) {
    throw new PgwitnessError({
      code: 'capture.baseline-refused',
      message: `No baseline can be taken in ${catalogue.server.database}: ${refusal.name}, ${refusal.why}.`,
      fix: refusal.fix ?? '',
      exit: refusal.misconfigured === true ? 2 : 1,
    });
  }
  const { rows: leaves } = await client.query<BaselineLeaf>(
    sqlFile('catalogue/baseline-places.sql'),
    [target.tables.map(({ schema }) => schema), target.tables.map(({ name }) => name)],
  );
  const looks: TableLook[] = [];
  for (const table of target.tables) {
    const look = lookAt(catalogue, target, table, leaves);
    looks.push({ ...look, bornEmpty: await bornEmpty(client, look) });
  }
  return looks;
}

function lookAt(
  catalogue: Catalogue,
  target: CaptureTarget,
  table: CapturedTable,
  leaves: readonly BaselineLeaf[],
): Omit<TableLook, 'bornEmpty'> {
  const shown = showName(table.schema, table.name);
  const state = catalogue.tables.get(nameKey(table.schema, table.name));
  if (state === undefined || state.oid === null) {
    const names = captureNames(table);
    const now = renamedTable(catalogue, names);
    if (now !== undefined) {
      throw new PgwitnessError({
        code: 'capture.baseline-no-table',
        message: `The table ${shown} is called ${showName(now.schema, now.name)} now.`,
        fix: renamedFix(names, now),
        exit: 2,
      });
    }
    throw new PgwitnessError({
      code: 'capture.baseline-no-table',
      message: `There is no table ${shown} in the database ${catalogue.server.database}.`,
      fix: 'Correct the name in the configuration, or create the table and run `pgwitness install`.',
      exit: 2,
    });
  }
  const names = captureNames(table);
  const history = catalogue.relations.get(nameKey(names.schema, names.history));
  const planned = planTables(catalogue, { ...target, tables: [table], appendOnly: [] });
  const pending = planned.filter(({ action, sql }) => action === 'refuse' || sql.length > 0);
  const fn = catalogue.functions.get(nameKey(names.schema, names.function));
  const captured = { catalogue, target, table: state, names, fn, objects: planned };
  const broken = pending.find((object) => isBroken(captured, object));
  const other = pending.find(
    ({ kind, locks }) => locks !== undefined || (kind !== 'function' && kind !== 'record'),
  );
  const off =
    recordOf(catalogue, 'history', state) === undefined
      ? 'it is not captured yet'
      : broken && `capture is not as it has to be (${told(broken)})`;
  const behind = other && `\`install\` has to follow the table as it is now (${told(other)})`;
  return {
    table,
    shown,
    state,
    shape: planShape(catalogue, state, table, names, history),
    leaves: leaves.filter(({ schema, name }) => schema === table.schema && name === table.name),
    records: baselinesOf(catalogue, table),
    pending,
    ...(off !== undefined && { off }),
    ...(off === undefined && behind !== undefined && { behind }),
  };
}

function told({ kind, name, why, action }: PlannedObject): string {
  if (why !== undefined) return `${kind} ${name}: ${why}`;
  return `${kind} ${name}${action === 'create' ? ' is missing' : ''}`;
}

/** Partitions made empty since: their rows were all captured one by one. */
async function bornEmpty(
  client: ClientBase,
  look: Omit<TableLook, 'bornEmpty'>,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const leaf of look.leaves) {
    if (whyNeeded(look, leaf) !== 'partition') continue;
    // Named as the partition that it is: a leaf has the name of its table.
    const partition = look.state.partitions.find(({ oid }) => oid === leaf.oid);
    if (partition !== undefined && (await attachedRowsOf(client, partition)) === 'none') {
      found.add(leaf.oid);
    }
  }
  return found;
}

type NeededLook = Pick<TableLook, 'records' | 'shape' | 'leaves'>;

/** What has no baseline that holds, by why. */
export function neededOf(look: NeededLook): Map<BaselineReason, BaselineLeaf[]> {
  const needed = new Map<BaselineReason, BaselineLeaf[]>();
  for (const leaf of look.leaves) {
    const because = whyNeeded(look, leaf);
    if (because !== undefined) needed.set(because, [...(needed.get(because) ?? []), leaf]);
  }
  return needed;
}

function whyNeeded(look: NeededLook, leaf: BaselineLeaf): BaselineReason | undefined {
  const { records, shape, leaves } = look;
  const newest = coversOf(records, leaf.oid).at(-1);
  if (newest === undefined) {
    if (records.length === 0) return 'installed';
    // A restore makes all tables anew.
    const others = leaves.some(({ oid }) => coversOf(records, oid).length > 0);
    return others ? 'partition' : 'restored';
  }
  if (newest.database !== leaf.database) return 'restored';
  if (newest.shape !== shape.number) return 'changed';
  // One that is being taken reads what was rewritten from its first page again.
  const rewritten = newest.places[leaf.oid]?.filenode !== leaf.filenode;
  return newest.completed_at !== null && rewritten ? 'rewritten' : undefined;
}

/** Baselines that were begun, not completed, and still count, oldest first. */
export function openBaselines({ records, leaves }: TableLook): BaselineRecord[] {
  return records.filter(
    (record) =>
      record.completed_at === null &&
      leaves.some(({ oid }) => coversOf(records, oid).at(-1) === record),
  );
}

/** The moment from which on before and after of each change are told, and partitions that came later. */
export function sinceOf({ records, leaves }: TableLook): {
  readonly since: Date | null;
  readonly later: readonly { readonly partition: string; readonly since: Date }[];
} {
  let since: Date | null = null;
  const later: { partition: string; since: Date }[] = [];
  for (const { oid, identifier } of leaves) {
    const held = holdsSince(records, oid);
    const moment = held?.holds_since;
    if (moment === undefined || moment === null) continue;
    if (held?.because === 'partition') later.push({ partition: identifier, since: moment });
    else if (since === null || moment > since) since = moment;
  }
  return { since, later };
}
