/** A table or function by schema and name, as in the catalogue: no quotes, exact case. */
export interface QualifiedName {
  readonly schema: string;
  readonly name: string;
}

const part = '([a-z_][a-z0-9_]*|"(?:[^"]|"")+")';
const qualified = new RegExp(`^${part}\\.${part}`);
/** NAMEDATALEN - 1: Postgres has no longer name. */
const longestBytes = 63;

/**
 * `schema.name` at the beginning of `text`, as Postgres's quote_ident writes the two, and what follows it.
 * Undefined where that is not what `text` begins with. A keyword may stand without its quotes.
 */
export function readQualifiedName(
  text: string,
): { readonly name: QualifiedName; readonly rest: string } | undefined {
  const match = qualified.exec(text);
  if (match === null) return undefined;
  const [schema, name] = [match[1], match[2]].map(unquoted);
  if (schema === undefined || name === undefined) return undefined;
  return { name: { schema, name }, rest: text.slice(match[0].length) };
}

function unquoted(written: string | undefined): string | undefined {
  if (written === undefined) return undefined;
  const name = written.startsWith('"') ? written.slice(1, -1).replaceAll('""', '"') : written;
  return name.includes('\0') || Buffer.byteLength(name) > longestBytes ? undefined : name;
}
