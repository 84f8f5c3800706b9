import type { ClientBase } from 'pg';
import type { DecodedRow, DecodedValue } from './decode-text.ts';

/** A row: each column's value as the text of its jsonb, 'null' for null. */
export type Image = Readonly<Record<string, string>>;

/** A domain's base type by the domain's name; null where that is not Postgres's own. */
export type Domains = Readonly<Record<string, string | null>>;

/** Names of test_decoding that are another type without a modifier: character is character(1) then. */
const unlimited: Readonly<Record<string, string>> = { character: 'bpchar', bit: 'varbit' };

/** Rows whose values have one form, whoever printed them. */
export interface DecodedRows {
  readonly rows: readonly (DecodedRow | undefined)[];
  readonly domains: Domains;
}

/** Makes images of decoded rows. */
export class Images {
  private readonly made = new Map<string, string>();

  private constructor() {}

  /** Converts every value of these rows on the server; the settings of `client` are pinned. */
  static async of(client: ClientBase, changes: readonly DecodedRows[]): Promise<Images> {
    const texts = new Map<string, Set<string>>();
    for (const { rows, domains } of changes) {
      for (const { type, value } of rows.flatMap((row) => [...(row?.values() ?? [])])) {
        const native = nativeType(type, domains);
        if (value === null || value === 'unchanged' || native === null) continue;
        texts.set(native, (texts.get(native) ?? new Set()).add(value.text));
      }
    }
    const images = new Images();
    for (const [type, values] of texts) {
      const { rows } = await client.query<{ text: string; json: string }>(
        `select v as text, to_jsonb(v::${type})::text as json from unnest($1::text[]) as v`,
        [[...values]],
      );
      for (const { text, json } of rows) images.made.set(JSON.stringify([type, text]), json);
    }
    return images;
  }

  /** The row, and null for each of `columns` that it leaves out. */
  image(row: DecodedRow, columns: Iterable<string>, domains: Domains): Image {
    const image: Record<string, string> = {};
    for (const column of columns) image[column] = 'null';
    for (const [column, value] of row) image[column] = this.json(value, domains);
    return image;
  }

  private json({ type, value }: DecodedValue, domains: Domains): string {
    if (value === null) return 'null';
    if (value === 'unchanged') throw new Error('a value that is not told has no image');
    const native = nativeType(type, domains);
    if (native === null) return JSON.stringify(value.text);
    const json = this.made.get(JSON.stringify([native, value.text]));
    if (json === undefined) throw new Error(`no image was made of ${value.text} (${native})`);
    return json;
  }
}

/**
 * The type whose to_jsonb tells a value; null for those that are told by their text: json, which jsonb may
 * refuse, and types that are not Postgres's own. A domain is told as what it is over.
 */
function nativeType(type: string, domains: Domains): string | null {
  // The settings of who decodes let a schema stand before every type but Postgres's own.
  const own = /\.("(?:[^"]|"")*"|[^".[\]]+)$/.exec(type)?.[1];
  const name = own?.startsWith('"') ? own.slice(1, -1).replaceAll('""', '"') : own;
  const based = name === undefined ? (type.includes('.') ? null : type) : (domains[name] ?? null);
  if (based === null || based === 'json' || based === 'json[]') return null;
  const [, bare = '', array = ''] = /^(.*?)(\[\])?$/.exec(based) ?? [];
  return `${unlimited[bare] ?? bare}${array}`;
}

/** Whether two rows have the same columns and values. */
export function sameImage(a: Image | null, b: Image | null): boolean {
  if (a === null || b === null) return a === b;
  const columns = Object.keys(a);
  return (
    columns.length === Object.keys(b).length && columns.every((column) => a[column] === b[column])
  );
}
