/** Batches end after about this time, so that what they hold is held for no longer. */
const targetMs = 200;

const mostRows = 5_000;

/** 8 MB of pages of 8 KB. */
const mostPages = 1_024;

/** Pages of the first batch: little, since nothing is known of its rows yet. */
export const firstPages = 8;

/** How many pages the next batch is to read, from what the last one of `pages` pages took. */
export function nextPages(
  pages: number,
  took: { readonly ms: number; readonly found: number; readonly looked: boolean },
): number {
  const byTime = Math.min(2, Math.max(0.5, targetMs / Math.max(took.ms, 1)));
  // The look into history costs the same however few rows are looked up: more batches would be slower still.
  const wanted = pages * (took.looked ? Math.max(1, byTime) : byTime);
  const rowsPerPage = took.found / pages;
  const byRows = rowsPerPage === 0 ? mostPages : mostRows / rowsPerPage;
  return Math.max(1, Math.floor(Math.min(wanted, byRows, mostPages)));
}
