/** A part of a text to be replaced: UTF-16 units from `start` up to `end`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  /** What stands there instead. */
  readonly text: string;
}

/**
 * What to replace in a text, in order and never overlapping. `ok: false`: what is a value in it can't
 * be told, so nothing of it may be kept.
 */
export type Edits = { readonly ok: true; readonly edits: readonly Edit[] } | { readonly ok: false };

/** The text with its edits made. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const edit of edits) {
    parts.push(text.slice(at, edit.start), edit.text);
    at = edit.end;
  }
  parts.push(text.slice(at));
  return parts.join('');
}
