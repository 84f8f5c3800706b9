import { beforeAll, expect, test } from 'vitest';
import { applyEdits } from './edit.ts';
import { loadSqlScanner, type SqlScanner } from './redact-sql.ts';
import { searchTexts } from './search-texts.ts';
import { createTokens } from './token.ts';

const tokens = createTokens('a redaction key of 32 characters');
let scanner: SqlScanner;

beforeAll(async () => {
  scanner = await loadSqlScanner();
});

test('a value is found in a redacted statement however it is written there, and however it is asked for', () => {
  for (const [asked, written] of [
    ['joe@example.com', "'joe@example.com'"],
    ['joe@example.com', "E'joe\\x40example.com'"],
    ["it's", "'it''s'"],
    ['42', '42'],
    ['42', "'42'"],
    ['042', '42'],
    ['0x2a', '42'],
    ['-42', '-42'],
    ['-42', "'-42'"],
    ['-.50', '-0.50'],
    ['4.20', '4.20'],
  ] as const) {
    const sql = `update users set name = ${written} where id = 1`;
    const edits = scanner.edits(sql, tokens.token, { whole: true });
    const redacted = edits.ok ? applyEdits(sql, edits.edits) : '';
    const found = searchTexts(tokens, asked).some((text) => redacted.includes(text));
    expect(found, `${asked} in ${written}`).toBe(true);
  }
});

test('what is kept as it was is found as before, and no other value is', () => {
  expect(searchTexts(tokens, 'users')).toContain('users');
  expect(searchTexts(tokens, 'joe')).toEqual(['joe', tokens.token('joe')]);
  expect(searchTexts(tokens, '-')).toEqual(['-', tokens.token('-')]);
});
