/**
 * The comma-separated fields of an `AUDIT:` line as pgaudit writes them: a field in double quotes
 * may hold commas, newlines and doubled quotes; `<none>` and `<not logged>` come as they are.
 * Undefined where the text is no whole CSV record, as when its last chunks are missing.
 */
export function parseAuditFields(text: string): string[] | undefined {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      const end = closingQuote(text, at + 1);
      if (end === -1) return undefined;
      fields.push(text.slice(at + 1, end).replaceAll('""', '"'));
      at = end + 1;
    } else {
      const comma = text.indexOf(',', at);
      const end = comma === -1 ? text.length : comma;
      fields.push(text.slice(at, end));
      at = end;
    }
    if (at === text.length) return fields;
    if (text[at] !== ',') return undefined;
    at++;
  }
}

function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at !== -1 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}
