import { readFrames } from '../../src/sink/read-frames.ts';
import type { Archive } from '../../src/sink/sink.ts';
import { digestOf } from './frames.ts';
import type { Acknowledged } from './load-job.ts';

export interface Verified {
  readonly objects: number;
  readonly frames: number;
  readonly storedBytes: number;
  /** Frames that were acknowledged and do not stand in the archive as they were sent. */
  readonly missing: number;
}

/**
 * Holds what was acknowledged against what the archive holds, byte for byte (by sha256). Frames without
 * an id are told by their bytes alone: as many of them must be there as were acknowledged.
 */
export async function verifyArchive(
  archive: Archive,
  acknowledged: readonly Acknowledged[],
): Promise<Verified> {
  const found = new Map<string, number>();
  let [objects, frames, storedBytes] = [0, 0, 0];
  for await (const { key, size } of archive.list('logs/')) {
    objects += 1;
    storedBytes += size;
    for (const frame of readFrames(await archive.read(key))) {
      if (frame.kind === 'fault') throw new Error(`${key}: ${frame.reason} at ${frame.offset}`);
      frames += 1;
      const name = nameOf({ id: frame.meta?.id, digest: digestOf(frame.body) });
      found.set(name, (found.get(name) ?? 0) + 1);
    }
  }
  let missing = 0;
  for (const one of acknowledged) {
    const name = nameOf(one);
    const left = found.get(name) ?? 0;
    if (left === 0) missing += 1;
    // One that has an id may have been answered twice for one copy.
    else if (one.id === undefined) found.set(name, left - 1);
  }
  return { objects, frames, storedBytes, missing };
}

function nameOf({ id, digest }: Acknowledged): string {
  return `${id ?? ''} ${digest}`;
}
