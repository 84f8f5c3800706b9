import type { ClientBase } from 'pg';
import pg from 'pg';
import { type BatchOf, type BatchOutcome, readBatch } from './baseline-batch.ts';
import type { TableLook } from './baseline-look.ts';
import { firstPages, nextPages } from './baseline-pace.ts';
import { type BaselinePatience, patiently, wait } from './baseline-patience.ts';
import type { BaselineRecord } from './catalogue.ts';

/** How far the baseline of one table is. */
export interface BaselineProgress {
  /** For people. */
  readonly table: string;
  readonly pagesDone: number;
  readonly pages: number;
  /** Rows read in this run. */
  readonly rows: number;
  /** Since this run began to read. */
  readonly ms: number;
}

/** Its signal ends it after the batch at hand; a later run goes on from there. */
export interface ReadOptions extends BaselinePatience {
  /** Between two batches. */
  readonly batchPauseMs?: number;
  /** Most pages a batch. */
  readonly maxPages?: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly onProgress?: (progress: BaselineProgress) => void;
}

/** Reads what is left of one baseline, partition by partition. */
export async function readLeaves(
  client: ClientBase,
  owner: string,
  look: TableLook,
  record: BaselineRecord,
  options: ReadOptions,
): Promise<{ readonly rows: number; readonly stopped: boolean }> {
  const began = options.now();
  const what = `taking the baseline of ${look.shown}`;
  // Not what is dropped or detached: its rows are no longer the table's.
  const leaves = look.leaves.filter(({ oid }) => record.places[oid] !== undefined);
  const all = leaves.reduce((sum, { pages }) => sum + pages, 0);
  let before = 0;
  let rows = 0;
  let found = 0;
  for (const leaf of leaves) {
    let pages = firstPages;
    let end = leaf.pages;
    for (;;) {
      if (options.signal?.aborted === true) return { rows, stopped: true };
      pages = Math.min(pages, options.maxPages ?? pages);
      const started = options.now();
      const of = { owner, look, record, leaf };
      const batch = await patiently(what, options, () => tryBatch(client, of, pages, end));
      if (batch.kind === 'done') break;
      if (batch.kind === 'too-slow') {
        pages = Math.max(1, Math.floor(pages / 2));
        continue;
      }
      pages = nextPages(pages, { ...batch, ms: options.now() - started });
      end = batch.end;
      rows += batch.kept;
      found += batch.found;
      options.onProgress?.({
        table: look.shown,
        pagesDone: before + batch.pagesDone,
        pages: Math.max(all, before + end),
        rows: found,
        ms: options.now() - began,
      });
      await wait(options.batchPauseMs ?? 0, options.signal);
    }
    before += end;
  }
  return { rows, stopped: false };
}

async function tryBatch(
  client: ClientBase,
  of: BatchOf,
  pages: number,
  end: number,
): Promise<BatchOutcome | { readonly kind: 'too-slow' }> {
  try {
    return await readBatch(client, of, pages, end);
  } catch (error) {
    const code = error instanceof pg.DatabaseError ? error.code : undefined;
    // A partition that was dropped meanwhile. If it was the table, or history, completing tells.
    if (code === '42P01') return { kind: 'done' };
    if (code === '57014' && pages > 1) return { kind: 'too-slow' };
    throw error;
  }
}
