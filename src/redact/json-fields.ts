/** A field of a flat JSON object, and where its value stands in the text. */
export interface JsonField {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** A string's text; undefined of a number. */
  readonly text: string | undefined;
  /** False of a string that the object is cut in: its text goes as far as it can be read. */
  readonly closed: boolean;
}

const key = /[{,]"([a-z_]{1,40})":/y;
const number = /-?\d{1,20}(?=[,}])/y;
const backslash = 0x5c;
const quote = 0x22;

/**
 * The fields of a line of Postgres's jsonlog, written as Postgres writes it: strings and whole numbers,
 * no blanks, no name twice. Undefined where the text is anything else. With `cut` the text may end
 * anywhere, and what can't be read any more is left out: `end` says where that begins.
 */
export function jsonFields(
  text: string,
  cut: boolean,
): { readonly fields: readonly JsonField[]; readonly end: number } | undefined {
  const fields: JsonField[] = [];
  const names = new Set<string>();
  if (text[0] !== '{') return undefined;
  for (let at = 0; ; ) {
    if (text[at] === '}' && at > 0) {
      return at + 1 === text.length ? { fields, end: text.length } : undefined;
    }
    const name = matchAt(key, text, at);
    if (name === undefined) return cut ? { fields, end: behindComma(text, at) } : undefined;
    if (names.has(name[1] ?? '')) return undefined;
    names.add(name[1] ?? '');
    const start = at + name[0].length;
    if (text.charCodeAt(start) === quote) {
      const { end, closed } = stringEnd(text, start + 1);
      if (!closed && !cut) return undefined;
      const value = parsed(text.slice(start + 1, end));
      if (value === undefined) return undefined;
      const after = closed ? end + 1 : text.length;
      fields.push({ name: name[1] ?? '', start, end: after, text: value, closed });
      if (!closed) return { fields, end: text.length };
      at = after;
    } else {
      const digits = matchAt(number, text, start);
      if (digits === undefined) return cut ? { fields, end: behindComma(text, at) } : undefined;
      at = start + digits[0].length;
      fields.push({ name: name[1] ?? '', start, end: at, text: undefined, closed: true });
    }
  }
}

/** A number is known to be whole by what stands behind it. */
function behindComma(text: string, at: number): number {
  return text[at] === ',' ? at + 1 : at;
}

function matchAt(shape: RegExp, text: string, at: number): RegExpExecArray | undefined {
  shape.lastIndex = at;
  return shape.exec(text) ?? undefined;
}

/** Before the closing quote, or before what of an escape is there. */
function stringEnd(text: string, from: number): { readonly end: number; readonly closed: boolean } {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === quote) return { end: at, closed: true };
    const length = code !== backslash ? 1 : text[at + 1] === 'u' ? 6 : 2;
    if (at + length > text.length) break;
    at += length;
  }
  return { end: at, closed: false };
}

function parsed(raw: string): string | undefined {
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    // No JSON string: the caller takes the line for none of Postgres's.
    return undefined;
  }
}
