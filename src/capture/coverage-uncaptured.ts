import { captureNames, showIdentifier, showName } from './capture-names.ts';
import type { RelationFacts } from './coverage-facts.ts';
import { type Gap, gap, listed, note } from './coverage-gap.ts';
import type { CoverageLook } from './coverage-look.ts';
import { migrationTool } from './migration-ledger.ts';
import { renamedTable } from './renamed-table.ts';
import type { CapturedName } from './target.ts';

/** All that holds rows in the configured schemas, and that the configuration leaves out. */
export function uncapturedGaps(look: CoverageLook): Gap[] {
  const { catalogue, target, facts } = look;
  const configured = new Set(
    [...catalogue.tables.values()].flatMap(({ oid, partitions }) =>
      oid === null ? [] : [oid, ...partitions.map((partition) => partition.oid)],
    ),
  );
  const histories = new Set(target.tables.map((table) => keyOf(historyOf(table))));
  // Told of under the name that is configured.
  const renamed = new Set(
    target.tables.flatMap((table) => {
      const there = (catalogue.tables.get(keyOf(table))?.oid ?? null) !== null;
      const now = there ? undefined : renamedTable(catalogue, captureNames(table));
      return now === undefined ? [] : [keyOf(now)];
    }),
  );
  const left = facts.relations.filter(
    (relation) =>
      !configured.has(relation.oid) &&
      !histories.has(keyOf(relation)) &&
      !renamed.has(keyOf(relation)) &&
      // A partition comes with its table, wherever that stands.
      (relation.root === null || !configured.has(relation.root.oid)),
  );
  const roots = new Map<string, RelationFacts>();
  for (const relation of left) {
    const top = relation.root === null ? relation : { ...relation, ...relation.root, root: null };
    if (!roots.has(top.oid) || relation.root === null) roots.set(top.oid, top);
  }
  return [...roots.values()]
    .flatMap((relation) => relationGaps(look, relation))
    .concat(schemaNotes(look));
}

function relationGaps(look: CoverageLook, relation: RelationFacts): Gap[] {
  const { schema, name, kind, persistence, extension, columns } = relation;
  const shown = showName(schema, name);
  if (kind === 'f') {
    const text = `${shown} is a foreign table: its rows change on another server, and none of it is captured here.`;
    return [note('relation.foreign', shown, text, 'Capture it in the database that holds it.')];
  }
  if (extension !== null) {
    const text = `${shown} belongs to the extension ${showIdentifier(extension)}, and is not captured.`;
    return [
      note('relation.extension', shown, text, 'List it under `tables` where its rows matter.'),
    ];
  }
  const tool = migrationTool(name, columns);
  if (tool !== undefined) {
    const text = `${shown} is where ${tool} notes the migrations that have run, and is not captured.`;
    return [note('relation.ledger', shown, text, 'List it under `tables` where its rows matter.')];
  }
  const writing = relation.captured_by.filter(({ enabled }) => enabled);
  if (writing.length > 0) return [strayGap(look, relation, writing)];
  const of = historyFor(look, relation);
  if (of !== undefined) {
    const text = `${shown} is the history of ${showName(schema, of)}, which the configuration does not name. What is written to it is not watched.`;
    return [
      note(
        'relation.history-left',
        shown,
        text,
        'Keep it as the trail so far, or list its table again.',
      ),
    ];
  }
  const unlogged =
    persistence === 'u' ? ' It is unlogged: after a crash of the server it is empty.' : '';
  const text = `${shown}${kind === 'p' ? ' (partitioned)' : ''} is not captured: the configuration does not name it.${unlogged}`;
  const todo =
    'List it under `tables`, or under `append_only` where it only ever grows, and run `pgwitness install`.';
  return [gap('relation.not-captured', shown, text, todo)];
}

/** A table that is captured into the history of another: a partition that was detached. */
function strayGap(
  { target }: CoverageLook,
  { schema, name }: RelationFacts,
  functions: readonly CapturedName[],
): Gap {
  const shown = showName(schema, name);
  const [fn] = functions;
  const of = target.tables.find((table) => {
    const names = captureNames(table);
    return names.schema === fn?.schema && names.function === fn.name;
  });
  if (of === undefined) {
    const text = `${shown} is no longer configured, and is still captured by ${showName(fn?.schema ?? '', fn?.name ?? '')}(). Whether as it has to be is not looked at.`;
    return note(
      'relation.no-longer-configured',
      shown,
      text,
      'List it again, or run `pgwitness uninstall` with the configuration that names it.',
    );
  }
  const history = showName(of.schema, historyOf(of).name);
  const text = `${shown} was a partition of ${showName(of.schema, of.name)} at install. What is written to it is still captured, into ${history} with its name as partition_name; the rows that it took along left no line.`;
  return note(
    'relation.detached',
    shown,
    text,
    'List it under `tables` if it goes on as a table of its own; it then has a history of its own.',
  );
}

/** The table whose history this is, by capture's own columns, though the configuration names none such. */
function historyFor(
  { catalogue }: CoverageLook,
  { schema, name, columns }: RelationFacts,
): string | undefined {
  const recorded = catalogue.records.tables.find(
    ({ table_schema, history_name }) => table_schema === schema && history_name === name,
  );
  if (recorded !== undefined) return recorded.table_name;
  const own = ['operation', 'changed_at', 'xid', 'session_role'];
  const of = /^(.+)_history$/s.exec(name)?.[1];
  return own.every((column) => columns.includes(column)) ? of : undefined;
}

function schemaNotes({ facts }: CoverageLook): Gap[] {
  if (facts.otherSchemas.length === 0) return [];
  const names = facts.otherSchemas.map(
    ({ schema, tables }) => `${showIdentifier(schema)} (${tables})`,
  );
  const text = `Schemas with tables that the configuration names none of, and that were not looked at: ${listed(names, 20)}.`;
  return [
    note(
      'schema.not-configured',
      undefined,
      text,
      'List those of their tables that matter under `tables`.',
    ),
  ];
}

function historyOf(table: CapturedName): CapturedName {
  return { schema: table.schema, name: captureNames(table).history };
}

function keyOf({ schema, name }: CapturedName): string {
  return JSON.stringify([schema, name]);
}
