import { showIdentifier, showName } from './capture-names.ts';
import { nameKey } from './catalogue.ts';
import { type Gap, gap, listed, note } from './coverage-gap.ts';
import type { TableLook } from './coverage-look.ts';

/** Ways of writing that a table's triggers see otherwise, or not at all. `captured`: by oid. */
export function writeGaps(look: TableLook): Gap[] {
  return [...heirGaps(look), ...ruleGaps(look), ...subscriptionGaps(look)];
}

function heirGaps({ facts, table, shown, catalogue, target }: TableLook): Gap[] {
  const heirs = facts.heirs.filter(({ root }) => root === table.oid);
  const gaps: Gap[] = [];
  const foreign = heirs.filter(({ kind }) => kind === 'f');
  if (foreign.length > 0) {
    const names = listed(foreign.map(({ schema, name }) => showName(schema, name)));
    const text = `${names} inherits from it and is foreign: Postgres refuses an UPDATE or DELETE that names ${shown} while it is captured (older minor releases capture it wrongly).`;
    gaps.push(
      gap(
        'heir.foreign',
        shown,
        text,
        'Take the inheritance away, or write `only` with each such statement.',
      ),
    );
  }
  for (const { schema, name, kind, more_columns } of heirs) {
    if (kind === 'f') continue;
    const heir = showName(schema, name);
    const own = [...target.tables, ...target.appendOnly].some(
      (listedTable) => listedTable.schema === schema && listedTable.name === name,
    );
    if (!own) {
      const text = `${heir} inherits from it: what names ${heir} is not captured.`;
      gaps.push(gap('heir.not-captured', shown, text, `List ${heir} under \`tables\`.`));
    }
    if (more_columns.length > 0) {
      const text = `A change of a row of ${heir} that names ${shown} is captured without ${listed(more_columns.map(showIdentifier))}, which only ${heir} has.`;
      gaps.push(
        gap(
          'heir.columns',
          shown,
          text,
          `Write \`only\` with statements on ${shown}, and name ${heir} itself for its rows.`,
        ),
      );
    } else if (own && catalogue.tables.get(nameKey(schema, name))?.oid != null) {
      const text = `Rows of ${heir}, which inherits from it, stand in the history of whichever of the two the statement named.`;
      gaps.push(note('heir.two-histories', shown, text, 'Read both histories for its rows.'));
    }
    const truncated = `A TRUNCATE of ${shown} empties ${heir} too, and is told of ${shown} alone.`;
    gaps.push(note('heir.truncate', shown, truncated, 'Nothing need be done, if you know it.'));
  }
  return gaps;
}

function ruleGaps({ facts, table, shown }: TableLook): Gap[] {
  const oids = [table.oid, ...table.partitions.map(({ oid }) => oid)];
  const rules = facts.rules.filter(({ table_oid }) => oids.includes(table_oid));
  if (rules.length === 0) return [];
  const names = listed(
    rules.map(
      ({ name, event, instead }) =>
        `${showIdentifier(name)} (${event}, ${instead ? 'instead' : 'also'})`,
    ),
  );
  const text = `Rules rewrite statements on it: ${names}. Captured is what is really done to captured tables, not the statement as it was written; COPY passes rules by.`;
  return [
    note(
      'table.rules',
      shown,
      text,
      'See that the tables that the rules write to are captured too.',
    ),
  ];
}

/**
 * A subscription's worker applies rows as a replica, and fires row triggers alone: statement triggers, ALWAYS
 * or not, see the first copy and a TRUNCATE at most.
 */
function subscriptionGaps({ facts, table, shown }: TableLook): Gap[] {
  const oids = [table.oid, ...table.partitions.map(({ oid }) => oid)];
  const found = facts.subscriptions.filter(({ table_oid }) => oids.includes(table_oid));
  return [...new Map(found.map((one) => [one.name, one])).values()].map(({ name, enabled }) =>
    gap(
      'table.subscription',
      shown,
      `The subscription ${showIdentifier(name)}${enabled ? '' : ' (disabled now)'} writes into it, and Postgres fires no statement triggers for what a subscription applies, \`triggers: always\` or not: its INSERT, UPDATE and DELETE are not captured.`,
      'Capture the table in the database that publishes it.',
    ),
  );
}
