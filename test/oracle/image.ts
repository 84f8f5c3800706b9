import type { ClientBase } from 'pg';
import type { DecodedChange } from './decoded-changes.ts';
import type { DecodedRow, DecodedValue } from './decode-text.ts';

/** A row: each column's value as the text of its jsonb, 'null' for null. */
export type Image = Readonly<Record<string, string>>;

/** Names of test_decoding that are another type without a modifier: character is character(1) then. */
const unlimited: Readonly<Record<string, string>> = { character: 'bpchar', bit: 'varbit' };

/** Makes images of decoded rows, on a connection whose settings are pinned. */
export class Images {
  private readonly made = new Map<string, string>();

  private constructor() {}

  /** Converts every value of these changes on the server, by its own types. */
  static async of(client: ClientBase, changes: readonly DecodedChange[]): Promise<Images> {
    const texts = new Map<string, Set<string>>();
    for (const row of changes.flatMap((change) => [change.old, change.new])) {
      for (const { type, value } of row?.values() ?? []) {
        if (value === null || value === 'unchanged' || isText(type)) continue;
        texts.set(type, (texts.get(type) ?? new Set()).add(value.text));
      }
    }
    const images = new Images();
    for (const [type, values] of texts) {
      const [, name = type, array = ''] = /^(.*?)(\[\])?$/.exec(type) ?? [];
      const { rows } = await client.query<{ text: string; json: string }>(
        `select v as text, to_jsonb(v::${unlimited[name] ?? name}${array})::text as json from unnest($1::text[]) as v`,
        [[...values]],
      );
      for (const { text, json } of rows) images.made.set(JSON.stringify([type, text]), json);
    }
    return images;
  }

  /** The row, and null for each of `columns` that it leaves out. */
  image(row: DecodedRow, columns: Iterable<string>): Image {
    const image: Record<string, string> = {};
    for (const column of columns) image[column] = 'null';
    for (const [column, value] of row) image[column] = this.json(value);
    return image;
  }

  private json({ type, value }: DecodedValue): string {
    if (value === null) return 'null';
    if (value === 'unchanged') throw new Error('a value that is not told has no image');
    if (isText(type)) return JSON.stringify(value.text);
    const json = this.made.get(JSON.stringify([type, value.text]));
    if (json === undefined) throw new Error(`no image was made of ${value.text} (${type})`);
    return json;
  }
}

/** The contract: json, and types that are not Postgres's own, are told by their text. */
function isText(type: string): boolean {
  return type === 'json' || type.includes('.');
}

/** Whether two rows have the same columns and values. */
export function sameImage(a: Image | null, b: Image | null): boolean {
  if (a === null || b === null) return a === b;
  const columns = Object.keys(a);
  return (
    columns.length === Object.keys(b).length && columns.every((column) => a[column] === b[column])
  );
}
