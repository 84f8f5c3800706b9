import type { Edit, Edits } from './edit.ts';

const head = /(?:[Pp]arameters: )?/y;
const assigned = /\$\d{1,5} = /y;

/**
 * What to replace in a list of bind parameters as Postgres 13 to 18 logs it: `$1 = 'a', $2 = NULL`, with
 * `parameters: ` or `Parameters: ` before it or without. Each value becomes its token; NULL stays. Quotes
 * in a value are doubled, newlines are its own. A value cut by log_parameter_max_length ends in `...`
 * and is taken as it stands there: its token is another than that of the whole value.
 *
 * `whole`: the list ends where the text does. Not whole, the value that the text ends in becomes `'[cut]'`.
 * `ok: false` where the text is no such list.
 */
export function redactParameters(
  text: string,
  tokenOf: (value: string) => string,
  options: { readonly whole: boolean },
): Edits {
  const edits: Edit[] = [];
  head.lastIndex = 0;
  head.test(text);
  let at = head.lastIndex;
  for (;;) {
    assigned.lastIndex = at;
    if (!assigned.test(text)) return listCut(text.slice(at), options.whole, edits);
    const start = assigned.lastIndex;
    if (text[start] === "'") {
      const end = valueEnd(text, start + 1);
      // At the end of a text that is cut, the quote may be the first half of a doubled one.
      if (end === -1 || (!options.whole && end + 1 === text.length)) {
        if (options.whole) return { ok: false };
        return { ok: true, edits: [...edits, { start, end: text.length, text: "'[cut]'" }] };
      }
      const value = text.slice(start + 1, end).replaceAll("''", "'");
      edits.push({ start, end: end + 1, text: `'${tokenOf(value)}'` });
      at = end + 1;
    } else if (text.startsWith('NULL', start)) at = start + 4;
    else return listCut(text.slice(at), options.whole, edits);
    if (at === text.length) return { ok: true, edits };
    if (!text.startsWith(', ', at)) return listCut(text.slice(at), options.whole, edits);
    at += 2;
  }
}

function valueEnd(text: string, from: number): number {
  let at = text.indexOf("'", from);
  while (at !== -1 && text[at + 1] === "'") at = text.indexOf("'", at + 2);
  return at;
}

/** A text may be cut between two values too; then what is left over is no value. */
function listCut(rest: string, whole: boolean, edits: readonly Edit[]): Edits {
  const placed = !whole && /^,? ?(?:\$(?:\d{1,5}(?: (?:= ?)?)?)?)?$/.test(rest);
  const inNull = !whole && /^\$\d{1,5} = NU?L?$/.test(rest);
  return placed || inNull ? { ok: true, edits } : { ok: false };
}
