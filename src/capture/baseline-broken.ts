import { showName } from './capture-names.ts';
import type { TableState } from './catalogue.ts';
import { installedGuards } from './coverage-history.ts';
import { type CapturedLook, functionState, plannedTrigger } from './coverage-look.ts';
import { partitionCapture } from './coverage-places.ts';
import { knownShapes } from './image-shape.ts';
import { events } from './plan-one-trigger.ts';
import type { PlannedObject } from './planned-object.ts';

type Looked = Pick<CapturedLook, 'catalogue' | 'target' | 'names' | 'fn' | 'objects'> & {
  readonly table: TableState;
};

/**
 * Whether something of capture is missing or altered, as against what `install` only has to bring up to date
 * because the table has changed or has new partitions: the same that coverage calls a gap of capture.
 */
export function isBroken(look: Looked, object: PlannedObject): boolean {
  const { names } = look;
  const { kind, action, name, locks } = object;
  if (action === 'refuse') return true;
  if (kind === 'history') return true;
  if (kind === 'function' && name === `${showName(names.schema, names.function)}()`) {
    return action === 'create' || functionState(look, object) === 'altered';
  }
  if (kind === 'function' || kind === 'guard' || name.startsWith('pgwitness_witness_')) {
    return guardIsBroken(look, object);
  }
  if (kind === 'trigger') return !rowTriggerDoes(look, object);
  // A baseline of the whole table, because capture was off.
  return kind === 'record' && locks !== undefined;
}

/** Judged by the images that history holds now: with a new one its guards change too. */
function guardIsBroken(look: Looked, { name }: PlannedObject): boolean {
  const newest = knownShapes(look.catalogue, look.names).at(-1);
  if (newest === undefined) return true;
  const now = installedGuards(look, newest).find((guard) => guard.name === name);
  return now !== undefined && now.action !== 'unchanged' && now.action !== 'adopt';
}

/** It belongs on a partition that came since, which is captured row by row until install. */
function rowTriggerDoes(look: Looked, object: PlannedObject): boolean {
  return look.table.partitions.some(
    (partition) =>
      partitionCapture(look, partition) === 'row' &&
      [...events, 'row' as const].some(
        (event) => plannedTrigger([object], look.names.triggers[event], partition) !== undefined,
      ),
  );
}
