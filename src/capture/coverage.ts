import type { ClientBase } from 'pg';
import { captureNames, showName } from './capture-names.ts';
import { nameKey, readCatalogue } from './catalogue.ts';
import { appendOnlyGaps } from './coverage-append-only.ts';
import { readAttachedRows } from './coverage-attached.ts';
import { readBaselineStates } from './coverage-baselines.ts';
import { functionGaps, type ShapeState, shapeState } from './coverage-captured.ts';
import { readCoverageFacts } from './coverage-facts.ts';
import { type Gap, gap, note, runInstall } from './coverage-gap.ts';
import { historyGaps, triggerMakerGaps } from './coverage-history.ts';
import { installGaps } from './coverage-install.ts';
import {
  type BaselineState,
  type CapturedLook,
  type CoverageLook,
  lookAtAppendOnly,
  lookAtCaptured,
  objectsOf,
} from './coverage-look.ts';
import { orderGaps } from './coverage-order.ts';
import { type AttachedRows, partitionGaps } from './coverage-partitions.ts';
import { tableTriggerGaps } from './coverage-places.ts';
import { formerGap, renamedGap, twiceGap } from './coverage-renamed.ts';
import { roleGaps } from './coverage-roles.ts';
import { rowGaps } from './coverage-rows.ts';
import { settingGaps } from './coverage-settings.ts';
import { uncapturedGaps } from './coverage-uncaptured.ts';
import { writeGaps } from './coverage-writes.ts';
import { pinnedPath } from './plan.ts';
import type { PlannedObject } from './planned-object.ts';
import { formerTriggers, renamedTable } from './renamed-table.ts';
import type { CapturedName, CaptureTarget } from './target.ts';

/** What of a database is captured, table by table, and every gap. */
export interface Coverage {
  readonly database: string;
  readonly owner: string;
  readonly tables: readonly CoveredTable[];
  /** Those of each table in the order of the tables, then those of the database; gaps before notes. */
  readonly gaps: readonly Gap[];
  /** What is never captured, as one sentence. */
  readonly never: string;
}

/** How one configured table stands. */
export interface CoveredTable {
  readonly name: string;
  readonly kind: 'captured' | 'append-only';
  /**
   * `missing`: there is no such table. `renamed`: it is captured, and has another name now. `off`: nothing was
   * installed for it.
   */
  readonly state: 'on' | 'off' | 'missing' | 'renamed';
  /** The worst of its gaps. */
  readonly level: 'gap' | 'note' | 'ok';
  /** When its capture was last made or put right; null where that is not known. */
  readonly installedAt: Date | null;
  /** Of captured tables alone. */
  readonly baseline: BaselineState | null;
  readonly shape: ShapeState | null;
}

const never =
  'Never captured: what is read (SELECT), sequences, large objects, and DDL as such; a table rewritten or emptied by DDL leaves no line in history. Out of order: what a function called by a statement (not a trigger) changes of the rows that this statement changes too.';

/**
 * Reads the database and names every gap. Writes nothing, and needs no right to: it runs in a read-only
 * transaction that it begins and ends itself. `all` tells of limits too that hardly anyone need know.
 * Throws what `pg` throws.
 */
export async function readCoverage(
  client: ClientBase,
  target: CaptureTarget,
  options: { readonly all?: boolean } = {},
): Promise<Coverage> {
  await client.query('begin isolation level repeatable read read only');
  try {
    await client.query(pinnedPath);
    const catalogue = await readCatalogue(client, target);
    const facts = await readCoverageFacts(client, target, catalogue);
    const baselines = await readBaselineStates(client, target, catalogue);
    const look: CoverageLook = { catalogue, target, facts, baselines, all: options.all === true };
    const attached = new Map<string, AttachedRows>();
    for (const configured of target.tables) {
      const table = lookAtCaptured(look, configured);
      if (table === undefined) continue;
      for (const [oid, rows] of await readAttachedRows(client, table)) attached.set(oid, rows);
    }
    return judgeCoverage(look, attached);
  } finally {
    await client.query('rollback');
  }
}

function judgeCoverage(look: CoverageLook, attached: ReadonlyMap<string, AttachedRows>): Coverage {
  const { catalogue, target } = look;
  const judged = [
    ...target.tables.map((table) => judgeCaptured(look, table, attached)),
    ...target.appendOnly.map((table) => judgeAppendOnly(look, table)),
  ];
  const general = [
    ...installGaps(look),
    ...uncapturedGaps(look),
    ...settingGaps(look),
    ...roleGaps(look),
    ...lastvalNote(target),
  ];
  return {
    database: catalogue.server.database,
    owner: target.owner,
    tables: judged.map(({ table }) => table),
    gaps: [...judged.flatMap(({ gaps }) => gaps), ...gravestFirst(general)],
    never,
  };
}

interface Judged {
  readonly table: CoveredTable;
  readonly gaps: readonly Gap[];
}

function judgeCaptured(
  look: CoverageLook,
  configured: CaptureTarget['tables'][number],
  attached: ReadonlyMap<string, AttachedRows>,
): Judged {
  const table = lookAtCaptured(look, configured);
  const base = { kind: 'captured' as const, shape: null, baseline: null };
  if (table === undefined) return missing(look, configured, base);
  const refused = refusalGaps(table.shown, table.objects);
  const off =
    table.fn === undefined &&
    !look.catalogue.triggers.some(
      ({ table_oid, function_name }) =>
        table_oid === table.table.oid && function_name === table.names.function,
    );
  const [former] = formerTriggers(look.catalogue, table.table, table.names);
  if (off && former !== undefined) {
    const gaps = [...refused, formerGap(table.shown, table.names, former.of)];
    return judge(table.shown, { ...base, state: 'renamed', gaps });
  }
  if (off) {
    const text = `${table.shown} is not captured: nothing was installed for it.`;
    const gaps = [...refused, gap('table.not-installed', table.shown, text, runInstall)];
    return judge(table.shown, { ...base, state: 'off', gaps });
  }
  return judge(table.shown, {
    ...base,
    state: 'on',
    installedAt: installedAt(look, configured, 'history'),
    shape: shapeState(table),
    baseline: look.baselines.get(nameKey(configured.schema, configured.name)) ?? {
      state: 'unknown',
      since: null,
      because: [],
    },
    gaps: [
      ...refused,
      ...(former === undefined ? [] : [twiceGap(table.shown, former.of)]),
      ...capturedGaps(table, attached),
    ],
  });
}

function capturedGaps(look: CapturedLook, attached: ReadonlyMap<string, AttachedRows>): Gap[] {
  return [
    ...functionGaps(look),
    ...tableTriggerGaps(look),
    ...historyGaps(look),
    ...partitionGaps(look, attached),
    ...writeGaps(look),
    ...orderGaps(look),
    ...rowGaps(look),
  ];
}

function judgeAppendOnly(look: CoverageLook, name: CapturedName): Judged {
  const base = { kind: 'append-only' as const, shape: null, baseline: null };
  const table = lookAtAppendOnly(look, name);
  if (table === undefined) return missing(look, name, base);
  const refused = refusalGaps(table.shown, table.objects);
  const made = table.objects.filter(({ kind }) => kind === 'guard' || kind === 'trigger');
  if (made.length > 0 && made.every(({ action }) => action === 'create')) {
    const text = `${table.shown} is not guarded: nothing was installed for it.`;
    const gaps = [...refused, gap('table.not-installed', table.shown, text, runInstall)];
    return judge(table.shown, { ...base, state: 'off', gaps });
  }
  return judge(table.shown, {
    ...base,
    state: 'on',
    installedAt: installedAt(look, name, 'append_only'),
    gaps: [...refused, ...appendOnlyGaps(table), ...triggerMakerGaps(table), ...writeGaps(table)],
  });
}

function missing(
  look: CoverageLook,
  name: CapturedName,
  base: Pick<CoveredTable, 'kind' | 'shape' | 'baseline'>,
): Judged {
  const shown = showName(name.schema, name.name);
  const kind = base.kind === 'captured' ? 'history' : 'append_only';
  const names = captureNames(name);
  const renamed = base.kind === 'captured' ? renamedTable(look.catalogue, names) : undefined;
  if (renamed !== undefined) {
    const gaps = [renamedGap(names, renamed)];
    return judge(shown, { ...base, state: 'renamed', gaps });
  }
  const gaps = refusalGaps(shown, objectsOf(look, name, kind));
  return judge(shown, { ...base, state: 'missing', gaps });
}

/** What keeps install from doing anything for the table. */
function refusalGaps(shown: string, objects: readonly PlannedObject[]): Gap[] {
  return objects
    .filter(({ action }) => action === 'refuse')
    .map(({ name, why, fix }) =>
      gap('table.refused', shown, `${name}: ${why}.`, fix ?? 'See to it, and run it again.'),
    );
}

/** nextval of history's id is the last one of the writer's session. */
function lastvalNote({ tables }: CaptureTarget): Gap[] {
  if (tables.length === 0) return [];
  const text =
    'After a captured write lastval() is that of history: it gives another number, or is refused to whoever may not use history’s sequence. PDO::lastInsertId() without a name, and some old ORMs, call it.';
  return [
    note(
      'write.lastval',
      undefined,
      text,
      'Use INSERT … RETURNING, or currval() of the table’s own sequence.',
    ),
  ];
}

function installedAt(
  { facts }: CoverageLook,
  { schema, name }: CapturedName,
  kind: 'history' | 'append_only',
): Date | null {
  return (
    facts.installs.find((one) => one.schema === schema && one.name === name && one.kind === kind)
      ?.installed_at ?? null
  );
}

function judge(
  name: string,
  given: Pick<CoveredTable, 'kind' | 'state' | 'shape' | 'baseline'> & {
    readonly installedAt?: Date | null;
    readonly gaps: readonly Gap[];
  },
): Judged {
  const { gaps, installedAt: at = null, ...table } = given;
  const sorted = gravestFirst(gaps);
  return {
    gaps: sorted,
    table: { name, ...table, level: sorted[0]?.level ?? 'ok', installedAt: at },
  };
}

function gravestFirst(gaps: readonly Gap[]): Gap[] {
  return [
    ...gaps.filter(({ level }) => level === 'gap'),
    ...gaps.filter(({ level }) => level === 'note'),
  ];
}
