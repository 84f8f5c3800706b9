const key = /[{,]\s*"([a-z_]{1,40})"\s*:\s*/y;
const number = /-?\d{1,20}(?=\s*[,}])/y;
const backslash = 0x5c;
const quote = 0x22;
const letterU = 0x75;

/**
 * The fields of a flat JSON object whose end is missing, as Postgres's jsonlog is: strings and whole
 * numbers, the last string as far as it goes. Ends at what is no such field; of two fields of one
 * name the first counts.
 */
export function parseCutObject(text: string): Readonly<Record<string, string | number>> {
  const fields = new Map<string, string | number>();
  const keep = (name: string, value: string | number) => {
    if (!fields.has(name)) fields.set(name, value);
  };
  for (let at = 0; ; ) {
    key.lastIndex = at;
    const name = key.exec(text)?.[1];
    if (name === undefined) break;
    at = key.lastIndex;
    if (text.charCodeAt(at) === quote) {
      const { end, closed } = stringEnd(text, at + 1);
      keep(name, unescaped(text.slice(at + 1, end)));
      if (!closed) break;
      at = end + 1;
    } else {
      number.lastIndex = at;
      const digits = number.exec(text)?.[0];
      if (digits === undefined) break;
      keep(name, Number(digits));
      at = number.lastIndex;
    }
  }
  return Object.fromEntries(fields);
}

/** Where a string's text ends: before its closing quote, or before what of an escape is there. */
function stringEnd(text: string, from: number): { readonly end: number; readonly closed: boolean } {
  let at = from;
  // By hand: an expression would need a stack as deep as the text is long, and it may be 60 MB.
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === quote) return { end: at, closed: true };
    const length = code !== backslash ? 1 : text.charCodeAt(at + 1) === letterU ? 6 : 2;
    if (at + length > text.length) break;
    at += length;
  }
  return { end: at, closed: false };
}

function unescaped(raw: string): string {
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    // No JSON after all: better as it stands than not at all.
    return raw;
  }
}
