import type { ImageChange } from './witness-line.ts';

/** What digests of images have become: for a row's id and a digest that it has now, the one it was captured with. */
export interface CapturedDigests {
  readonly ids: readonly string[];
  readonly now: readonly string[];
  readonly captured: readonly string[];
}

/**
 * Follows the changes of images back to what was captured. `changes` are those that verified lines tell,
 * oldest first. One that was rolled back is told too: it starts from a digest that the row still has and
 * leads to one that it never got, so nothing is undone by it.
 */
export function capturedDigests(changes: readonly ImageChange[]): CapturedDigests {
  const byId = new Map<bigint, Map<string, string>>();
  for (const { id, before, after } of changes) {
    const first = byId.get(id) ?? new Map<string, string>();
    byId.set(id, first);
    // A row that came back to what it was is as it was captured.
    if (after !== before && !first.has(after)) first.set(after, first.get(before) ?? before);
  }
  const found = [...byId].flatMap(([id, first]) =>
    [...first].map(([now, captured]) => ({ id: String(id), now, captured })),
  );
  return {
    ids: found.map(({ id }) => id),
    now: found.map(({ now }) => now),
    captured: found.map(({ captured }) => captured),
  };
}
