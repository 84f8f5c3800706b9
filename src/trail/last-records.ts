import { placeOf, type TrailEntry } from './scan-records.ts';
import { TimeOrder } from './time-order.ts';

/** Losses are kept beside the records, so many that memory stays bounded. */
const mostLosses = 1_024;

/**
 * The newest `count` records of a scan, in time order, once the scan is over, with the losses that
 * stand among them. Holds no more than these. Findings are given as they come. Nothing is given of a scan that
 * `signal` ended: what is newest is not known then.
 */
export async function* lastRecords(
  entries: AsyncIterable<TrailEntry>,
  count: number,
  signal?: AbortSignal,
): AsyncGenerator<TrailEntry> {
  // A power of two, so that the sums are exact: less than `mostLosses` of them take no record's place.
  const lossSize = 1 / mostLosses;
  const kept = new TimeOrder<TrailEntry>(count + 1 - lossSize);
  for await (const entry of entries) {
    if (entry.type === 'finding') {
      yield entry;
      continue;
    }
    kept.add(placeOf(entry.record), entry.record.kind === 'loss' ? lossSize : 1, entry);
    // Over the budget the earliest goes, and is asked for no more.
    for (const _ of kept.take(Number.NEGATIVE_INFINITY));
  }
  if (signal?.aborted !== true) yield* kept.take(Number.POSITIVE_INFINITY);
}
