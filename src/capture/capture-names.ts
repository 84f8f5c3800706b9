import type { CapturedName } from './target.ts';

/** All that is made for one table, by name; every object stands in the table's own schema. */
export interface CaptureNames {
  readonly schema: string;
  readonly table: string;
  readonly history: string;
  readonly index: string;
  /** The view that tells before, after and what changed. */
  readonly changes: string;
  readonly function: string;
  /** Of the history's own triggers. */
  readonly witness: string;
  readonly triggers: Readonly<Record<'insert' | 'update' | 'delete' | 'truncate' | 'row', string>>;
}

/** Postgres cuts identifiers off after this many bytes (NAMEDATALEN - 1), without an error. */
const longestIdentifier = 63;

/** The names of the runbook: `users_history`, `fn_capture_users_history`, `trg_users_history`, … */
export function captureNames({ schema, name }: CapturedName): CaptureNames {
  return {
    schema,
    table: name,
    history: `${name}_history`,
    index: `${name}_history_changed_at`,
    changes: `${name}_changes`,
    function: `fn_capture_${name}_history`,
    witness: `fn_witness_${name}_history`,
    triggers: {
      insert: `trg_${name}_history`,
      update: `trg_${name}_history_update`,
      delete: `trg_${name}_history_delete`,
      truncate: `trg_${name}_history_truncate`,
      row: `trg_${name}_history_row`,
    },
  };
}

/** The composite type of a table's images of the shape `number`: `users_image_1`. */
export function imageType({ table }: CaptureNames, number: number): string {
  return `${table}_image_${number}`;
}

/** The first derived name that Postgres would cut off, and how many bytes the table's may have. */
export function cutOffName(
  names: CaptureNames,
): { readonly name: string; readonly longestTable: number } | undefined {
  const derived = [names.history, names.index, names.function, ...Object.values(names.triggers)];
  const longest = derived.reduce((a, b) => (Buffer.byteLength(b) > Buffer.byteLength(a) ? b : a));
  if (Buffer.byteLength(longest) <= longestIdentifier) return undefined;
  const added = Buffer.byteLength(longest) - Buffer.byteLength(names.table);
  return { name: longest, longestTable: longestIdentifier - added };
}

/** `public.users`, each part as showIdentifier shows it. */
export function showName(schema: string, name: string): string {
  return [schema, name].map(showIdentifier).join('.');
}

/** A name, in double quotes where SQL would need them: for people, not for SQL. */
export function showIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
