import { isAsInstalled } from './coverage-form.ts';
import { type Gap, gap } from './coverage-gap.ts';
import type { CapturedLook } from './coverage-look.ts';
import { knownShapes } from './image-shape.ts';

/** Changes that are captured, and may be told with another row's image. */
export function orderGaps(look: CapturedLook): Gap[] {
  return looksRowsUp(look) ? [] : mergeGaps(look);
}

/**
 * Whether capture looks rows up by their key, and so finds out what Postgres hands it wrongly: of a table as installed, with a key of Postgres's own types, whose rows are not hidden from the owner.
 */
function looksRowsUp({ catalogue, names, table, form }: CapturedLook): boolean {
  const shape = knownShapes(catalogue, names).at(-1);
  if (form === undefined || shape === undefined || !isAsInstalled(form, table)) return false;
  const native = shape.key_columns.every(
    (key) => shape.attributes.find(({ name }) => name === key)?.as === 'value',
  );
  return shape.key_columns.length > 0 && native && !table.forced_row_security;
}

const why =
  'the table is not as it was installed, has no key of Postgres’s own types, or forces row security on its owner';
const cure =
  'Run `pgwitness install` where the table has drifted; give it a primary key where it has none.';

/**
 * Of a MERGE that inserts a row and then updates others Postgres (15 to 18) gives the triggers of a partitioned
 * table the inserted row as the new one of each update.
 */
function mergeGaps({ table, shown, catalogue }: CapturedLook): Gap[] {
  if (table.kind !== 'p' || catalogue.server.version < 150000) return [];
  const text = `A MERGE that names ${shown}, inserts a row and then updates others may be captured with the inserted row in the place of the updated ones, as Postgres hands it to triggers, and ${why}.`;
  return [gap('partition.merge', shown, text, `${cure} Or name the partition in the MERGE.`)];
}
