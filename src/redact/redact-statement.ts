import type { Edit } from './edit.ts';
import type { SqlScanner } from './redact-sql.ts';
import { isRedacted, redactedBytes } from './redacted-bytes.ts';
import { shiftEdits } from './shift-edits.ts';

/** What redaction works with. */
export interface RedactionTools {
  readonly sql: SqlScanner;
  /** The token of a value; of what has been redacted already, itself. */
  readonly tokenOf: (value: string) => string;
}

/** Where a text ends, so far as the frame tells. */
export interface TextEnd {
  /** Something follows it, so it ends here; else more of it may be in another frame. */
  readonly followed: boolean;
  /** Its last chunk is full, so that the text may be cut within a word. */
  readonly full: boolean;
}

/** What replaces a text from `from` on where its values can't be told. */
export function wholeFrom(text: string, from = 0): Edit[] {
  const rest = text.slice(from);
  if (rest === '' || isRedacted(rest.trim())) return [];
  return [{ start: from, end: text.length, text: redactedBytes(Buffer.byteLength(rest)) }];
}

/** What `SqlScanner` puts in the place of what a text is cut in, so that it stays when redacted again. */
const cutMark = /(?:'\[cut\]'|"\[cut\]"|(?:\/\* )?\[cut\])\n*$/;

/**
 * The statement that `text` is from `from` on. Is it cut? `[N-M]` does not tell how many chunks a
 * message has. A text that is SQL as it stands is taken as whole: were it not, all values in it
 * would be told rightly all the same. One that is not may be cut where nothing of the message follows.
 */
export function statementEdits(
  text: string,
  from: number,
  end: TextEnd,
  { sql, tokenOf }: RedactionTools,
): Edit[] {
  const statement = text.slice(from).replace(cutMark, '');
  if (isRedacted(statement.trim())) return [];
  const cut = statement.length < text.length - from;
  // Cut within a number it would be SQL, and another number.
  const attempts = end.followed && !cut ? [true] : end.full || cut ? [false] : [true, false];
  for (const whole of attempts) {
    const edits = sql.edits(statement, tokenOf, { whole });
    if (edits.ok) return shiftEdits(edits.edits, from);
  }
  return wholeFrom(text, from);
}

/** An expression of PL/pgSQL, which is SQL after SELECT; undefined where it is none. */
export function expressionEdits(
  text: string,
  { sql, tokenOf }: RedactionTools,
): Edit[] | undefined {
  const before = 'select ';
  const edits = sql.edits(before + text, tokenOf, { whole: true });
  return edits.ok ? shiftEdits(edits.edits, -before.length) : undefined;
}
