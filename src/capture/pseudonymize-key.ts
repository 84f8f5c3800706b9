/** A subject's key as asked for: values in the order of their columns. */
export interface AskedKey {
  readonly names: readonly string[];
  readonly values: readonly string[];
}

export type ParsedKey =
  | { readonly ok: true; readonly key: AskedKey }
  /** `why` quotes no value: a key may be somebody's e-mail address. */
  | { readonly ok: false; readonly why: string };

/**
 * The key that `given` means (each what one `--key` says): `42`, `42,7`, or a part each, `id=42`. `keys`
 * are the columns of the table's key, newest first, and of those it had before, which have to be named.
 */
export function parseKey(
  given: readonly string[],
  keys: readonly (readonly string[])[],
): ParsedKey {
  const newest = keys[0] ?? [];
  const [only = '', another] = given;
  for (const names of keys) {
    const named = namedValues(given, names);
    if (named !== undefined) return { ok: true, key: { names, values: named } };
  }
  if (another !== undefined) {
    return { ok: false, why: `several --key name each column once, as in ${example(newest)}` };
  }
  if (newest.length === 1) return { ok: true, key: { names: newest, values: [only] } };
  const values = only.split(',');
  if (values.length === newest.length) return { ok: true, key: { names: newest, values } };
  return {
    ok: false,
    why: `it has ${newest.length} columns, and --key gives ${values.length === 1 ? 'one value' : `${values.length} values`}; write ${example(newest)}`,
  };
}

/** The values of `given` where it names each of `names` once and nothing else. */
function namedValues(
  given: readonly string[],
  names: readonly string[],
): readonly string[] | undefined {
  if (given.length !== names.length) return undefined;
  // The longest name first: of the columns a and a=b, `a=b=1` means the second.
  const longestFirst = [...names].sort((a, b) => b.length - a.length);
  const values = new Map<string, string>();
  for (const text of given) {
    const name = longestFirst.find((candidate) => text.startsWith(`${candidate}=`));
    if (name === undefined || values.has(name)) return undefined;
    values.set(name, text.slice(name.length + 1));
  }
  return names.map((name) => values.get(name) ?? '');
}

function example(names: readonly string[]): string {
  return names.map((name) => `--key '${name}=…'`).join(' ');
}
