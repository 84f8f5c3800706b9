import type { ClientBase } from 'pg';
import { beginBaseline, completeBaseline, noteFenced, notInstalled } from './baseline-begin.ts';
import { lookAtTables, neededOf, openBaselines, sinceOf, type TableLook } from './baseline-look.ts';
import { type BaselinePatience, patiently } from './baseline-patience.ts';
import { type ReadOptions, readLeaves } from './baseline-read.ts';
import { awaitWriters, type Writer } from './baseline-writers.ts';
import type { BaselineRecord } from './catalogue.ts';
import { lockTimeoutMs, pinnedPath } from './plan.ts';
import { databaseFailure } from './server-error.ts';
import type { CapturedTable, CaptureTarget } from './target.ts';

export interface BaselineOptions extends ReadOptions {
  /** `begun`: only what was begun already, as install does. `again`: also what has a baseline that holds. */
  readonly which?: 'needed' | 'begun' | 'again';
  /** Told several times a second of the transactions that a new baseline has to wait for. */
  readonly onWait?: (table: string, writers: readonly Writer[]) => void;
}

/** What became of one table's baseline. */
export interface TakenBaseline {
  readonly schema: string;
  readonly name: string;
  /**
   * `taken`: complete now. `holds`: nothing was to be done. `keyless`: nothing is read, both images of each
   * UPDATE are kept for good. `stopped`: the signal ended it. `not-begun`: `which` was 'begun', and it is
   * needed all the same.
   */
  readonly outcome: 'taken' | 'holds' | 'keyless' | 'stopped' | 'not-begun';
  /** Rows that an image was kept of in this run. */
  readonly rows: number;
  readonly ms: number;
  /** From when on before and after of each change are told; null where that is not so yet. */
  readonly since: Date | null;
}

/**
 * Takes the baseline of one table, or goes on with one that was begun: keeps an image of each row that has
 * none yet, batch by batch, while the table is written to. It holds no lock that a writer would wait for, and
 * no more than a batch at a time, whatever the size of the table. Two may take it at the same time, and each
 * row is kept once. Throws PgwitnessError: `capture.baseline-not-installed`, `capture.baseline-drifted`, …;
 * what was read until then stays, and the next run goes on from there.
 */
export async function takeBaseline(
  owner: ClientBase,
  target: CaptureTarget,
  table: CapturedTable,
  options: BaselineOptions,
): Promise<TakenBaseline> {
  const began = options.now();
  const { which = 'needed' } = options;
  const told = { schema: table.schema, name: table.name };
  let look = await lookOnce(owner, target, table, options);
  const needed = neededOf(look).size > 0;
  if (which === 'again' || (which === 'needed' && needed)) {
    look = await beginBaseline(owner, target, table, which === 'again', options);
  }
  const open = openBaselines(look);
  let rows = 0;
  for (const record of open) {
    const fenced = await fence(owner, target, look, record, options);
    if (fenced !== undefined) {
      const read = await readLeaves(owner, target.owner, fenced, record, options);
      rows += read.rows;
      if (!read.stopped) {
        look = await completeBaseline(owner, target, table, record, options);
        continue;
      }
    }
    const { since } = sinceOf(fenced ?? look);
    return { ...told, outcome: 'stopped', rows, ms: options.now() - began, since };
  }
  const outcome =
    neededOf(look).size > 0
      ? 'not-begun'
      : look.shape.keyColumns.length === 0
        ? 'keyless'
        : open.length > 0
          ? 'taken'
          : 'holds';
  return { ...told, outcome, rows, ms: options.now() - began, since: sinceOf(look).since };
}

/** Looks at one table in a transaction of its own; throws where `install` has to come first. */
async function lookOnce(
  owner: ClientBase,
  target: CaptureTarget,
  table: CapturedTable,
  patience: BaselinePatience,
): Promise<TableLook> {
  const [look] = await readLooks(owner, { ...target, tables: [table] }, patience);
  if (look === undefined) throw new Error('a table was asked about and not told of');
  const first = look.off ?? look.behind;
  if (first !== undefined) throw notInstalled(look, first);
  return look;
}

/** As lookAtTables, in a read-only transaction of its own. */
export function readLooks(
  owner: ClientBase,
  target: CaptureTarget,
  patience: BaselinePatience,
): Promise<readonly TableLook[]> {
  return patiently('looking at the baselines', patience, async () => {
    // The size of a table takes a lock to tell.
    await owner.query(
      `begin isolation level repeatable read read only; ${pinnedPath}; set local lock_timeout = ${lockTimeoutMs}`,
    );
    try {
      return await lookAtTables(owner, target);
    } finally {
      await owner.query('rollback');
    }
  });
}

/**
 * Waits until nobody writes who does not know of the baseline, and looks once more: what is in the table by
 * then is what it has to read. Undefined where the signal ended it.
 */
async function fence(
  owner: ClientBase,
  target: CaptureTarget,
  look: TableLook,
  record: BaselineRecord,
  options: BaselineOptions,
): Promise<TableLook | undefined> {
  if (record.holds_since !== null) return look;
  const oids = look.leaves.map(({ oid }) => oid).filter((oid) => record.places[oid] !== undefined);
  try {
    const over = await awaitWriters(owner, oids, {
      signal: options.signal,
      onWait: (writers) => options.onWait?.(look.shown, writers),
    });
    if (!over) return undefined;
  } catch (error) {
    throw databaseFailure(error, `waiting for the writers of ${look.shown}`);
  }
  await noteFenced(owner, target, look.table, record, options);
  return lookOnce(owner, target, look.table, options);
}
