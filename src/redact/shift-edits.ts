import type { Edit } from './edit.ts';

/** Edits of a part of a text, as edits of the text in which it begins at `by` (UTF-16 units). */
export function shiftEdits(edits: readonly Edit[], by: number): Edit[] {
  return edits.map(({ start, end, text }) => ({ start: start + by, end: end + by, text }));
}
