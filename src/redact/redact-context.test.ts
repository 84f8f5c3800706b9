import { expect, test } from 'vitest';
import { contextEdits } from './redact-context.ts';
import { loadSqlScanner } from './redact-sql.ts';

test('a CONTEXT that could end in many places costs a few parses of it, and goes whole', async () => {
  const sql = await loadSqlScanner();
  let parsed = 0;
  const counting: typeof sql = {
    ...sql,
    edits: (text, ...rest) => {
      parsed += text.length;
      return sql.edits(text, ...rest);
    },
  };
  for (const head of ['SQL statement "select (', 'PL/pgSQL assignment "a := (']) {
    parsed = 0;
    const text = `${head}${'1,'.repeat(2_000)}${'"\nparallel worker\n'.repeat(45)}`;
    const edits = contextEdits(text, { sql: counting, tokenOf: (value) => value });
    expect(edits).toEqual([
      { start: 0, end: text.length, text: `[redacted ${text.length} bytes]` },
    ]);
    expect(parsed).toBeLessThan(10 * text.length);
  }
});
