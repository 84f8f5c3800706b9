import { showIdentifier } from './capture-names.ts';
import type { AfterTriggerFacts } from './coverage-facts.ts';
import { isAsInstalled } from './coverage-form.ts';
import { type Gap, gap, listed, note } from './coverage-gap.ts';
import type { CapturedLook } from './coverage-look.ts';
import { knownShapes } from './image-shape.ts';

/** Changes that are captured, and told out of order or with another row's image. */
export function orderGaps(look: CapturedLook): Gap[] {
  const exact = looksRowsUp(look);
  return [...triggerGaps(look, exact), ...(exact ? [] : mergeGaps(look))];
}

/**
 * Whether capture looks rows up by their key, and so finds out what Postgres hands it in another order or
 * wrongly: of a table as installed, with a key of Postgres's own types, whose rows are not hidden from the owner.
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

/** A statement that a trigger runs amid another one, on the same rows, is captured first. */
function triggerGaps(look: CapturedLook, exact: boolean): Gap[] {
  const { shown } = look;
  const amid = amidTriggers(look);
  const itself = amid.filter(({ writes, names_table }) => writes && names_table);
  const hidden = amid.filter((trigger) => trigger.hidden && !itself.includes(trigger));
  const others = amid.filter(
    (trigger) => trigger.writes && !itself.includes(trigger) && !hidden.includes(trigger),
  );
  const tell = (triggers: readonly AfterTriggerFacts[], level: typeof gap | typeof note) => {
    if (triggers.length === 0) return [];
    const names = listed([...new Set(triggers.map(({ name }) => showIdentifier(name)))]);
    const text = exact
      ? `Where ${names} changes rows of ${shown} itself amid an INSERT … ON CONFLICT DO UPDATE that both inserts and updates, history has that change before the row's insert. Otherwise the order is kept.`
      : `Can’t tell whether ${names} changes rows of ${shown} itself. If so, history has such a change before the one that fired the trigger, as ${why}.`;
    const todo = exact ? 'Change the row in a BEFORE trigger instead.' : cure;
    return [level('table.trigger-order', shown, text, todo)];
  };
  return exact
    ? [...tell(itself, gap), ...tell(hidden, note)]
    : [...tell([...itself, ...hidden], gap), ...tell(others, note)];
}

/** Triggers of others that fire after a change and before capture does. */
function amidTriggers({ facts, table, names }: CapturedLook): AfterTriggerFacts[] {
  const places = [table.oid, ...table.partitions.map(({ oid }) => oid)];
  return facts.triggers.filter(
    ({ table_oid, each_row, name, function_schema, function_name }) =>
      places.includes(table_oid) &&
      (each_row || name < names.triggers.insert) &&
      function_schema !== 'pgwitness' &&
      !(function_schema === names.schema && function_name === names.function),
  );
}

/**
 * Of a MERGE that inserts a row and then updates others Postgres (15 to 18) gives the triggers of a partitioned
 * table the inserted row as the new one of each update.
 */
function mergeGaps({ table, shown, catalogue }: CapturedLook): Gap[] {
  if (table.kind !== 'p' || catalogue.server.version < 150000) return [];
  const text = `A MERGE that names ${shown}, inserts a row and then updates others may be captured with the inserted row in the place of the updated ones, as Postgres hands it to triggers, and ${why}.`;
  return [gap('partition.merge', shown, text, `${cure} Or name the partition in the MERGE.`)];
}
