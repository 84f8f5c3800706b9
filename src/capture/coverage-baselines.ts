import type { ClientBase } from 'pg';
import {
  type TableLook as BaselineLook,
  lookAtTables,
  neededOf,
  openBaselines,
  sinceOf,
} from './baseline-look.ts';
import { type Catalogue, nameKey } from './catalogue.ts';
import type { BaselineState } from './coverage-look.ts';
import { planPreconditions } from './plan-bookkeeping.ts';
import type { CaptureTarget } from './target.ts';

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
  // A partition that was made empty has every row in history.
  const because = [...neededOf(look)]
    .filter(([, leaves]) => !leaves.every(({ oid }) => look.bornEmpty.has(oid)))
    .map(([reason]) => reason);
  if (look.shape.keyColumns.length === 0) return { state: 'not needed', since, because: [] };
  if (look.records.length === 0) return { state: 'none', since: null, because };
  // A new form of the images is no gap: each UPDATE has both.
  if (because.some((reason) => reason !== 'changed')) return { state: 'needed', since, because };
  const open = openBaselines(look).length > 0;
  return { state: open ? 'being taken' : 'complete', since, because };
}
