import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { functionBody, migrations, renderSql, statementsOf } from './sql-file.ts';

const folder = new URL('../../sql/', import.meta.url);
const text = (path: string) => readFileSync(new URL(path, folder), 'utf8');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.sql'),
);

test('puts every name in as one quoted identifier, whatever is in it', () => {
  const name = fc
    .string({ minLength: 1, unit: 'grapheme' })
    .filter((value) => !value.includes('\0'));
  fc.assert(
    fc.property(name, name, (schema, table) => {
      const sql = renderSql('guard-append-only', { schema, table });
      const identifiers = sql.match(/"(?:[^"]|"")*"/g) ?? [];
      expect(identifiers.map((quoted) => quoted.slice(1, -1).replaceAll('""', '"'))).toEqual([
        schema,
        table,
      ]);
    }),
  );
});

test('quotes a function body with a tag that stands in none of its names', () => {
  const values = { schema: 's', function: 'f', object: 'o' };
  const fragments = { pinned_settings: '', new_digest: 'x', old_digest: 'y', speak: '' };
  const render = (object: string) =>
    renderSql('witness-history-function', { ...values, object }, fragments);
  expect(functionBody(render('o'))).toContain("|| 'o'");
  const hostile = render('$capture$; drop table x; --');
  expect(hostile).toContain('as $capture_1$');
  expect(functionBody(hostile).match(/'\$capture\$; drop table x; --'/g)).toHaveLength(2);
});

test('puts in a fragment as it is, and searches none for placeholders', () => {
  const sql = renderSql('image-type', { schema: 's', type: 't' }, { attributes: `":'x'" int` });
  expect(sql).toContain(`as (":'x'" int)`);
  expect(() => renderSql('image-type', { schema: 's', type: 't' })).toThrow(
    'has no fragment for :{attributes}',
  );
});

test('refuses a template without all of its values', () => {
  expect(() => renderSql('guard-append-only', { schema: 's' })).toThrow(
    'has no value for :"table"',
  );
  expect(() => renderSql('guard-append-only', { schema: 's', table: null })).toThrow(
    'has no value',
  );
});

test('has no placeholder in a comment, where a line break in a name would end it', () => {
  for (const file of files) expect(text(file), file).not.toMatch(/--.*:["']/);
});

test('is plain ASCII: a database of another encoding would refuse the rest', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is looked for
  for (const file of files) expect(text(file), file).toMatch(/^[\x00-\x7f]*$/);
});

test('has lower-case SQL alone, and no tabs', () => {
  const words = /\b(SELECT|INSERT INTO|CREATE|ALTER|DROP|FROM|WHERE|BEGIN|RETURN)\b/;
  for (const file of files) {
    const code = text(file)
      .replace(/--.*$/gm, '')
      .replace(/'[^']*'/g, '');
    expect(code, file).not.toMatch(words);
    expect(code, file).not.toContain('\t');
  }
});

test('has migrations numbered from one without a gap, of one statement a part', () => {
  const all = migrations();
  expect(all.map(({ number }) => number)).toEqual(all.map((_, index) => index + 1));
  for (const { statements } of all) {
    for (const statement of statements) expect(statement).toMatch(/;$/);
  }
  expect(statementsOf('a;\n\n-- b\nb;\n\n\nc;\n')).toEqual(['a;', '-- b\nb;', 'c;']);
});

test('keeps released migrations as they are', () => {
  expect(migrations().map(({ name, sha256 }) => [name, sha256])).toMatchInlineSnapshot(`
    [
      [
        "bookkeeping",
        "8e9ea0da55acd90239d561f13f8867c79e882f06df1a3d3ff7f54e5156214d57",
      ],
      [
        "app",
        "2890b28af2c80b3e10192de956f873c2b4e4651ab4302724d0214f7df8bb2491",
      ],
      [
        "witness",
        "aed2738f849409dc6d36feca30fe823927df9d169c876e4b09c01862eea62f25",
      ],
    ]
  `);
});
