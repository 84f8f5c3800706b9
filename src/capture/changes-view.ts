import pg from 'pg';
import type { CaptureNames } from './capture-names.ts';
import { renderSql } from './sql-file.ts';

/** `create or replace view <table>_changes` over images of all these shapes, newest first. */
export function changesViewSql(
  names: CaptureNames,
  shapes: readonly { readonly number: number; readonly keyColumns: readonly string[] }[],
): string {
  const newestFirst = [...shapes].sort((a, b) => b.number - a.number);
  const each = (column: string) => newestFirst.map(({ number }) => `${column}_${number}`);
  const cases = newestFirst.map(
    ({ number, keyColumns }) =>
      `when s.image_${number} is not null then ${pg.escapeLiteral(JSON.stringify(keyColumns))}::jsonb`,
  );
  return renderSql(
    'changes-view',
    { schema: names.schema, history: names.history, view: names.changes },
    {
      images: [...each('image'), ...each('before')]
        .map((column) => `to_jsonb(h.${column}) as ${column}`)
        .join(', '),
      image: [...each('s.image'), "pgwitness.drifted_image(h.drifted, 'values')"].join(', '),
      before: [...each('s.before'), "pgwitness.drifted_image(h.drifted, 'before')"].join(', '),
      key_names: `case ${cases.join(' ')} else pgwitness.drifted_key(h.drifted) end`,
    },
  );
}
