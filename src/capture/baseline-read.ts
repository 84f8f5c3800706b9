import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import pg from 'pg';
import { PgwitnessError } from '../error.ts';
import { type BatchOf, type BatchOutcome, readBatch } from './baseline-batch.ts';
import type { TableLook } from './baseline-look.ts';
import { firstPages, nextPages } from './baseline-pace.ts';
import type { BaselineRecord } from './catalogue.ts';
import { databaseFailure, isTransient } from './server-error.ts';

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

export interface ReadOptions {
  /** Between two batches. */
  readonly batchPauseMs?: number;
  /** Most pages a batch. */
  readonly maxPages?: number;
  /** Ends it after the batch at hand; a later run goes on from there. */
  readonly signal?: AbortSignal;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly onProgress?: (progress: BaselineProgress) => void;
  /** A lock was not to be had; it is tried again in a moment. */
  readonly onRetry?: (attempt: number, attempts: number) => void;
}

/** A lock that can't be had is asked for this often before a baseline gives up. */
const attempts = 30;
const retryMs = 1_000;

/** Reads what is left of one baseline, partition by partition. */
export async function readLeaves(
  client: ClientBase,
  owner: string,
  look: TableLook,
  record: BaselineRecord,
  options: ReadOptions,
): Promise<{ readonly rows: number; readonly stopped: boolean }> {
  const began = options.now();
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
      const batch = await patiently(of, pages, options, () => readBatch(client, of, pages, end));
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

async function patiently(
  { look: { shown }, leaf: { identifier } }: BatchOf,
  pages: number,
  options: ReadOptions,
  work: () => Promise<BatchOutcome>,
): Promise<BatchOutcome | { readonly kind: 'too-slow' }> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const code = error instanceof pg.DatabaseError ? error.code : undefined;
      // A partition that was dropped meanwhile. If it was the table, or history, completing tells.
      if (code === '42P01') return { kind: 'done' };
      if (!isTransient(error)) throw databaseFailure(error, `taking the baseline of ${shown}`);
      if (attempt >= attempts || options.signal?.aborted === true) {
        throw new PgwitnessError({
          code: 'capture.locked',
          message: `${identifier} could not be read in ${attempt} ${attempt === 1 ? 'try' : 'tries'} while taking the baseline of ${shown}: ${(error as Error).message}. What was read until then stays.`,
          fix: 'Let the transaction end that holds the table, and run it again: it goes on from there.',
          exit: 1,
          cause: error,
        });
      }
      if (code === '57014' && pages > 1) return { kind: 'too-slow' };
      options.onRetry?.(attempt, attempts);
      await wait(retryMs, options.signal);
    }
  }
}

async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (ms <= 0) return;
  // Cut short by the signal, which the next look at it tells.
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}
