import { showIdentifier, showName } from './capture-names.ts';
import type { PartitionState, TriggerState } from './catalogue.ts';
import { type Gap, gap, note, runInstall } from './coverage-gap.ts';
import { type CapturedLook, plannedTrigger } from './coverage-look.ts';
import { events } from './plan-one-trigger.ts';
import type { CapturedName } from './target.ts';

/** Triggers on the table itself: each event of which nothing would be captured, or not always. */
export function tableTriggerGaps(look: CapturedLook): Gap[] {
  const { table, names } = look;
  const row = table.kind === 'p' ? rowTriggerGaps(look) : [];
  return [
    ...events.flatMap((event) => triggerGaps(look, names.triggers[event], event, table)),
    ...row,
  ];
}

function triggerGaps(
  look: CapturedLook,
  trigger: string,
  event: string,
  place: CapturedName,
): Gap[] {
  const planned = plannedTrigger(look.objects, trigger, place);
  if (planned === undefined) return [];
  const found = triggerOf(look, trigger, place);
  const what = `${showIdentifier(trigger)} on ${showName(place.schema, place.name)}`;
  const of = event.toUpperCase();
  if (planned.action === 'create') {
    const text = `${what} is missing: no ${of} that names ${showName(place.schema, place.name)} is captured.`;
    return [gap('trigger.missing', look.shown, text, runInstall)];
  }
  if (planned.action !== 'change') return [];
  return [stateGap(look, what, `no ${of}`, found, planned.sql.length > 1)];
}

/** A trigger that is there and not as it has to be. `other`: it does something else than ours would. */
function stateGap(
  { shown }: CapturedLook,
  what: string,
  nothing: string,
  found: TriggerState | undefined,
  other: boolean,
): Gap {
  if (found?.enabled === 'D') {
    return gap(
      'trigger.disabled',
      shown,
      `${what} is disabled: ${nothing} is captured.`,
      runInstall,
    );
  }
  if (found?.enabled === 'R') {
    const text = `${what} fires under session_replication_role = replica alone: ${nothing} of an ordinary session is captured.`;
    return gap('trigger.replica-only', shown, text, runInstall);
  }
  if (other) {
    const condition = found?.conditional === true ? ' (it has a WHEN)' : '';
    const text = `${what} is not as capture makes it${condition}: what is captured by it can’t be told.`;
    return gap('trigger.replaced', shown, text, runInstall);
  }
  if (found?.enabled === 'A') {
    const text = `${what} fires under session_replication_role = replica too, which the configuration does not ask for.`;
    return note('trigger.always', shown, text, runInstall);
  }
  const text = `${what} does not fire under session_replication_role = replica, though the configuration says \`triggers: always\`.`;
  return gap('trigger.not-always', shown, text, runInstall);
}

/** The trigger that partitions made later have a copy of. */
function rowTriggerGaps(look: CapturedLook): Gap[] {
  const { table, names, objects } = look;
  const planned = plannedTrigger(objects, names.triggers.row, table);
  if (planned === undefined || planned.action === 'unchanged' || planned.action === 'adopt')
    return [];
  const what = `${showIdentifier(names.triggers.row)} on ${look.shown}`;
  const found = triggerOf(look, names.triggers.row, table);
  if (found === undefined) {
    const text = `${what} is missing: of a partition made or attached later nothing that names the partition is captured.`;
    return [gap('trigger.missing', look.shown, text, runInstall)];
  }
  const nothing = 'of a partition made or attached later nothing that names the partition';
  return [stateGap(look, what, nothing, found, planned.sql.length > 1)];
}

/** How one partition is captured. */
export type PartitionCapture =
  /** By statement triggers of its own. */
  | 'statement'
  /** By the copy of the parent's row trigger. */
  | 'row'
  /** By neither. */
  | 'none'
  /** By both: twice. */
  | 'both';

/** Tells it from the triggers that are there. */
export function partitionCapture(
  look: Pick<CapturedLook, 'catalogue' | 'names'>,
  partition: PartitionState,
): PartitionCapture {
  const { names } = look;
  const own = events.some(
    (event) => triggerOf(look, names.triggers[event], partition) !== undefined,
  );
  const copy = triggerOf(look, names.triggers.row, partition);
  const copyFires = copy?.enabled === 'O' || copy?.enabled === 'A';
  // Partitioned itself, it holds no row: its copy never fires, and only says that its partitions have one too.
  if (partition.kind === 'p') return own ? 'statement' : copyFires ? 'row' : 'none';
  if (own) return copyFires ? 'both' : 'statement';
  return copyFires ? 'row' : 'none';
}

/** A partition that has triggers of its own, each of which may be missing or switched off. */
export function ownTriggerGaps(look: CapturedLook, partition: PartitionState): Gap[] {
  return events.flatMap((event) => triggerGaps(look, look.names.triggers[event], event, partition));
}

function triggerOf(
  { catalogue }: Pick<CapturedLook, 'catalogue'>,
  trigger: string,
  { schema, name }: CapturedName,
): TriggerState | undefined {
  return catalogue.triggers.find(
    (found) => found.table_schema === schema && found.table_name === name && found.name === trigger,
  );
}
