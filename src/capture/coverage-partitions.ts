import { coversOf } from './baseline-cover.ts';
import { showName } from './capture-names.ts';
import type { PartitionState } from './catalogue.ts';
import { partitionChanges } from './coverage-form.ts';
import { type Gap, gap, listed, note, runInstall } from './coverage-gap.ts';
import type { CapturedLook } from './coverage-look.ts';
import { ownTriggerGaps, partitionCapture } from './coverage-places.ts';

/** Whether a partition held rows when it became one, as coverage-attached.ts finds out. */
export type AttachedRows = 'none' | 'some' | 'unknown';

/** Partitions of a captured table: those that came since, those that are elsewhere, and what none tells. */
export function partitionGaps(
  look: CapturedLook,
  attached: ReadonlyMap<string, AttachedRows>,
): Gap[] {
  const { table, shown } = look;
  if (table.kind !== 'p') return [];
  const local = table.partitions.filter(({ kind }) => kind !== 'f');
  return [
    ...foreignGaps(look),
    ...local.flatMap((partition) => captureGaps(look, partition)),
    ...local.flatMap((partition) => attachedGaps(look, partition, attached)),
    ...goneGaps(look),
    note(
      'partition.removed-silently',
      shown,
      'DROP TABLE and DETACH of a partition take its rows away without a line in history.',
      'DELETE or TRUNCATE them first, where history is to tell of it. Its changes so far stay in history.',
    ),
  ];
}

function captureGaps(look: CapturedLook, partition: PartitionState): Gap[] {
  const { shown } = look;
  const name = showName(partition.schema, partition.name);
  switch (partitionCapture(look, partition)) {
    case 'statement':
      return ownTriggerGaps(look, partition);
    case 'both':
      return [
        gap(
          'partition.captured-twice',
          shown,
          `What is written to ${name} by its own name is captured twice: by its own triggers, and by its copy of the table's row trigger, which was switched on again.`,
          runInstall,
        ),
      ];
    case 'row':
      return [
        note(
          'partition.by-row',
          shown,
          `${name} came since install. It is captured row by row: as exact, slower, and with a witness line a row.`,
          runInstall,
        ),
        gap(
          'partition.truncate',
          shown,
          `A TRUNCATE that names ${name} is not captured, as row triggers don't fire on it.`,
          runInstall,
        ),
      ];
    case 'none':
      return [
        gap(
          'partition.not-captured',
          shown,
          `What is written to ${name} by its own name is not captured: it has neither triggers of its own nor a working copy of the table's.`,
          runInstall,
        ),
      ];
  }
}

function attachedGaps(
  { shown, catalogue, table }: CapturedLook,
  { oid, schema, name }: PartitionState,
  attached: ReadonlyMap<string, AttachedRows>,
): Gap[] {
  const rows = attached.get(oid);
  if (rows === undefined || rows === 'none') return [];
  const begun = coversOf(
    catalogue.records.baselines.filter(
      (record) => record.table_schema === table.schema && record.table_name === table.name,
    ),
    oid,
  );
  const todo =
    begun.length > 0
      ? 'Run `pgwitness baseline`: it takes their images.'
      : 'Run `pgwitness install`, then `pgwitness baseline`, which takes their images.';
  const partition = showName(schema, name);
  const what =
    rows === 'some'
      ? `${partition} was attached with rows in it: they came without a line in history, and have no image there.`
      : `Can't tell whether ${partition} was attached with rows in it: its first pages hold none that are older, and the rest was not read, or they were written in the transaction that made it a partition. Such rows have no image in history.`;
  return [gap('partition.attached-rows', shown, what, todo)];
}

function goneGaps({ form, table, shown }: CapturedLook): Gap[] {
  const gone = form === undefined ? [] : partitionChanges(form, table).gone;
  if (gone.length === 0) return [];
  return [
    note(
      'partition.gone',
      shown,
      `Since install ${listed(gone)} went: dropped, detached or renamed. Its rows went without a line; their changes until then are in history.`,
      runInstall,
    ),
  ];
}

/**
 * Postgres can't give the rows of a foreign table to a statement trigger. Its releases since August 2025 refuse
 * the statement ("cannot collect transition tuples from child foreign tables"); older ones hand over wrong rows.
 */
function foreignGaps({ table, shown }: CapturedLook): Gap[] {
  const foreign = table.partitions.filter(({ kind }) => kind === 'f');
  if (foreign.length === 0) return [];
  const names = listed(foreign.map(({ schema, name }) => showName(schema, name)));
  return [
    gap(
      'partition.foreign',
      shown,
      `${names}: foreign. A statement that names ${shown} and reaches rows there is refused by Postgres while the table is captured (older minor releases capture it wrongly). What is changed on the other server is not captured; what names the foreign table here is, row by row.`,
      'Detach it, or take the table out of `tables`.',
    ),
  ];
}
