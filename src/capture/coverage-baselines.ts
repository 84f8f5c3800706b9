import type { ClientBase } from 'pg';
import {
  type TableLook as BaselineLook,
  lookAtTables,
  neededOf,
  openBaselines,
  sinceOf,
} from './baseline-look.ts';
import { type BaselineReason, type Catalogue, nameKey } from './catalogue.ts';
import { planPreconditions } from './plan-bookkeeping.ts';
import type { CaptureTarget } from './target.ts';

/** Whether an image of every row is known. */
export interface BaselineState {
  /** `not needed`: of a table without a key both images of each change are kept. */
  readonly state: 'complete' | 'being taken' | 'none' | 'needed' | 'not needed' | 'unknown';
  /** Since when before and after are told of every row; of one that is needed, until when it was so is not told. */
  readonly since: Date | null;
  /** Why one is needed. */
  readonly because: readonly BaselineReason[];
}

/** The baselines of all captured tables that are there, by nameKey. In the transaction that the caller began. */
export async function readBaselineStates(
  client: ClientBase,
  target: CaptureTarget,
  catalogue: Catalogue,
): Promise<ReadonlyMap<string, BaselineState>> {
  const tables = target.tables.filter(
    ({ schema, name }) => (catalogue.tables.get(nameKey(schema, name))?.oid ?? null) !== null,
  );
  // Where the owner is missing or the server too old no baseline can be told of, which is told elsewhere.
  const refused = planPreconditions(catalogue, target).length > 0;
  if (refused || tables.length === 0) return new Map();
  const looks = await lookAtTables(client, { ...target, tables, appendOnly: [] });
  return new Map(looks.map((look) => [nameKey(look.table.schema, look.table.name), stateOf(look)]));
}

function stateOf(look: BaselineLook): BaselineState {
  const { since } = sinceOf(look);
  const because = [...neededOf(look).keys()];
  if (look.shape.keyColumns.length === 0) return { state: 'not needed', since, because: [] };
  if (look.records.length === 0) return { state: 'none', since: null, because };
  // A new form of the images is no gap: each UPDATE has both.
  if (because.some((reason) => reason !== 'changed')) return { state: 'needed', since, because };
  const open = openBaselines(look).length > 0;
  return { state: open ? 'being taken' : 'complete', since, because };
}
