/** A field of a CSV record: where its text stands, quotes left out, and what it says. */
export interface CsvSpan {
  readonly start: number;
  readonly end: number;
  readonly quoted: boolean;
  /** False where the text ends within the quotes. */
  readonly closed: boolean;
  readonly value: string;
}

/**
 * The fields of one record, as pgaudit writes them: quotes doubled within quotes, newlines as they
 * are. Undefined where a quote closes before the field ends.
 */
export function csvSpans(text: string): CsvSpan[] | undefined {
  const spans: CsvSpan[] = [];
  for (let at = 0; ; at++) {
    const quoted = text[at] === '"';
    const start = quoted ? at + 1 : at;
    const found = quoted ? closingQuote(text, start) : text.indexOf(',', start);
    const end = found === -1 ? text.length : found;
    const raw = text.slice(start, end);
    const closed = !quoted || found !== -1;
    spans.push({ start, end, quoted, closed, value: quoted ? raw.replaceAll('""', '"') : raw });
    at = quoted ? end + 1 : end;
    if (at >= text.length) return spans;
    if (text[at] !== ',') return undefined;
  }
}

function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at !== -1 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}

/** Where in the text a place in the field's value stands; ask for places in rising order. */
export function placesIn(span: CsvSpan): (place: number) => number {
  let value = 0;
  let doubled = 0;
  return (place) => {
    if (span.quoted) {
      for (;;) {
        const quote = span.value.indexOf('"', value);
        if (quote === -1 || quote >= place) break;
        doubled += 1;
        value = quote + 1;
      }
    }
    return span.start + place + doubled;
  };
}
