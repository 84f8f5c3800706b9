import { type SeenSchema, type SeenTable, tableNumber } from './seen-schema.ts';

/** Bits of pg_trigger.tgtype (src/include/catalog/pg_trigger.h). */
const truncateTrigger = 32;

/** Whether history has to tell a change, may, or must not. */
export type Duty = 'must' | 'may' | 'must not';

/**
 * What history owes about a change of this relation by this statement. The only exceptions from "every
 * committed change appears once", each with its reason; anything else that is missing is a fault.
 */
export function dutyOf(
  relation: string,
  operation: string,
  before: SeenSchema,
  after: SeenSchema | undefined,
): Duty {
  const first = duty(find(before, relation), operation);
  if (after === undefined) return first;
  // The statement waited for another session, which may have changed what is captured meanwhile; which
  // of the two it then saw Postgres does not say.
  return first === duty(find(after, relation), operation) ? first : 'may';
}

function duty(table: SeenTable | undefined, operation: string): Duty {
  // Made by the statement itself, as a table to be attached is: nobody knew of it before.
  if (table === undefined) return 'may';
  if (table.parent === null && table.captured.length === 0) {
    // A table that is to be attached is filled before it is a part of the captured one: ATTACH copies no
    // row, so nothing fires. The rows' first images are taken by the next baseline.
    return 'must not';
  }
  if (table.parent === null && isPart(table)) {
    // After DETACH it is a table of its own. It keeps its own triggers until someone takes them off, and
    // loses those that it had from its parent.
    return 'may';
  }
  if (operation === 'TRUNCATE' && !table.captured.some((type) => (type & truncateTrigger) !== 0)) {
    // Row triggers, which a new leaf has from its parent, don't fire on TRUNCATE: until install runs
    // again a TRUNCATE that names the leaf alone is not seen.
    return 'may';
  }
  return 'must';
}

/**
 * Whether a table is not as it was at the last install: then capture works out at each statement what the
 * table looks like.
 */
export function isDrifted(number: number, seen: SeenSchema, installed: SeenSchema): boolean {
  const form = (schema: SeenSchema) =>
    JSON.stringify(
      schema.tables
        .filter(({ name, captured }) => tableNumber(name) === number && captured.length > 0)
        .map(({ name, parent, key, columns }) => [
          name,
          parent,
          key,
          columns.map((column) => [column.name, column.type]),
        ]),
    );
  return form(seen) !== form(installed);
}

/**
 * Whether the changes of one row stand in order although a trigger of the application's writes the row that
 * fired it. The nested statement ends first, and is captured first: capture gives the outer one a place before
 * it, but only in the form that install prepared, and by keys of Postgres's own types.
 */
export function owesOrder(table: SeenTable, drifted: boolean): boolean {
  if (!table.nested) return true;
  const native = table.columns.every(
    ({ name, type }) => !table.key.includes(name) || !type.startsWith('@.'),
  );
  return !drifted && native;
}

/**
 * MERGE on a partitioned table hands statement triggers a wrong new row for an UPDATE that comes after an
 * INSERT of the same statement: a fault of Postgres (seen with 15.18 and 18.4). Capture looks such rows up
 * anew in the form that install prepared; on a table that has drifted since, it can't.
 */
export function isMisleadingMerge(
  sql: string,
  table: SeenTable | undefined,
  drifted: boolean,
): boolean {
  return drifted && table !== undefined && table.root !== table.name && /\bmerge into\b/.test(sql);
}

/** A leaf by its name, for a detached one has no parent that would tell. */
function isPart(table: SeenTable): boolean {
  return /_[an]\d+$|_p\d/.test(table.name);
}

function find(seen: SeenSchema, relation: string): SeenTable | undefined {
  return seen.tables.find(({ name }) => name === relation);
}
