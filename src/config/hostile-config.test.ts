import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rightConfig as right } from '../../test/rig/right-config.ts';
import { showProblems } from './problem.ts';
import { invalidConfig, parseConfig } from './read-config.ts';

function problemsOf(text: string) {
  const parsed = parseConfig(text, 'pgwitness.yaml');
  return parsed.ok ? [] : parsed.problems;
}
/** `line: sentence` of each problem. */
function told(text: string) {
  return problemsOf(text).map((problem) => `${problem.line}: ${problem.sentence}`);
}
function withLine(line: number, text: string) {
  return right
    .split('\n')
    .map((old, index) => (index === line - 1 ? text : old))
    .join('\n');
}

test('what looks like a secret is refused, comments included, and no message quotes it', () => {
  const text = withLine(8, '      owner_url_env: postgres://shop_owner:Tr0ub4dor@db:5432/shop')
    .replace('secret_env: SHOP_DRAIN_SECRET', 'secret_env: correct horse')
    .replace('version: 1', 'version: 1 # postgres://x:Tr0ub4dor@h/ AKIAIOSFODNN7EXAMPLE');
  const problems = problemsOf(text);
  expect(problems.filter(({ sentence }) => sentence.startsWith('This looks like'))).toHaveLength(3);
  expect(JSON.stringify(problems)).not.toMatch(/Tr0ub4dor|AKIA|correct horse/);
  expect(
    told(right.replace('version: 1', 'version: 1 # postgres://user:<password>@host/db')),
  ).toEqual([]);
});

test.each([
  ['a password as `secret new` makes it', 'q2Zt-0aXcVb_9LkJ8hGf7dSaPoIuYtReWq1mNbVcXz3'],
  ['the same amid words', "the drain's password is q2Zt-0aXcVb_9LkJ8hGf7dSaPoIuYtReWq1mNbVcXz3."],
  ['a line of the file of secrets', "SHOP_DRAIN_SECRET='correct-horse'"],
  ['the same, exported', 'export SHOP_REDACTION_KEY=correct-horse'],
])('%s is refused in a comment', (_, comment) => {
  const problems = problemsOf(right.replace('version: 1', `version: 1 # ${comment}`));
  expect(problems.map(({ sentence }) => sentence)).toEqual([
    expect.stringMatching(/^This looks like .*, and the file is no place for secrets\.$/),
  ]);
  expect(JSON.stringify(problems)).not.toMatch(/q2Zt|correct-horse/);
});

test.each([
  'SHOP_DRAIN_SECRET=… goes into the file of secrets',
  'SHOP_DRAIN_SECRET=$(pass shop)',
  "SHOP_DRAIN_SECRET='<password>'",
  'a_table_name_of_forty_three_characters_abcd1',
  'd.01234567-89ab-cdef-0123-456789abcdef',
])('%s is no secret', (comment) => {
  expect(told(right.replace('version: 1', `version: 1 # ${comment}`))).toEqual([]);
});

test('a secret as a key, an app or a value that YAML escapes is in no text, nor is what is made of it', () => {
  const key = 'postgres://u:hunter2secret@h/db';
  for (const text of [
    right.replace('version: 1', `version: 1\n"${key}": 1`),
    right.replace('  shop:', `  "${key}":`),
    right.replace('owner: shop_owner', `"${key}": shop_owner`),
    right.replace('shop_app:', `"${key}":`),
    right.replace(
      'shop_app:',
      '"postgres://u\\x3ahunter2secret@h/db": { x: 1 }\n        shop_app:',
    ),
    right.replace('version: 1', `version: 1\nx: !${key} 1`),
    right.replace('version: 1', `version: 1\nx: *${key}`),
    right.replace('- orders', `- |${key}`),
  ]) {
    expect(told(text).join()).toContain('This looks like a URL with a password');
    expect(JSON.stringify(problemsOf(text))).not.toContain('hunter2');
  }
});

test('what would act on a terminal or forge a line is told as an escape', () => {
  const text = right.replace('version: 1', 'version: 1\n"\\e[31mx\\nerror: \\u202e": 1');
  expect(problemsOf(text)).toMatchObject([
    {
      line: 2,
      key: '\\u001b[31mx\\u000aerror: \\u202e',
      sentence: 'There is no key `\\u001b[31mx\\u000aerror: \\u202e` at the top of the file.',
    },
  ]);
});

test('a name that JavaScript has its own meaning for does not vanish with what stands below it', () => {
  const below = right.slice(right.indexOf('    drain:'));
  for (const text of [
    `${right}  __proto__:\n${below}`,
    right.replace('shop_app:', '__proto__:'),
    right.replace('shop_app:', '"__proto\\u005f_":'),
  ]) {
    expect(told(text).join()).toContain('The name `__proto__` can stand nowhere in this file.');
  }
  const parsed = parseConfig(right.replaceAll('shop:', 'constructor:'), 'f');
  expect(parsed.ok && parsed.config.apps.map((app) => app.name)).toEqual(['constructor']);
});

test.each([
  ['alias without an anchor', 'version: *nowhere', '1: This alias has no anchor'],
  ['an alias before its anchor', 'version: [*b, &b 1]', '1: This alias has no anchor'],
  ['an alias inside of its anchor', 'version: &b [*b]', '1: This alias stands inside of what'],
  ['a merge of what is no group', '<<: 3', '1: Only a group of keys can be merged'],
  ['a nest', `x: ${'['.repeat(3000)}${']'.repeat(3000)}`, '1: It is nested too deep'],
  ['a nest without brackets', `x:\n   ${'- '.repeat(3000)}`, '2: It is nested too deep'],
  ['a long key', `? ${'k'.repeat(300)}\n: 1`, '1: This key is longer than 256 characters.'],
  ['a CR alone', 'a: 1\r  b: 1', '1: A line ends here in a carriage return (CR) alone.'],
  ['a NUL, as in UTF-16', 'a: \u0000', '1: A control character stands here'],
])('%s is told at its line', (_, line, expected) => {
  expect(told(withLine(1, line)).join('\n')).toContain(expected);
});

test('a block that several apps merge has its faults told where it stands, through merges of merges', () => {
  const text = `version: 1
archive: { folder: archive }
apps:
  shop: &shop
    drain: &drain { secret_env: S, tokens: [x] }
    database: { owner_url_env: O, owner: o, tables: [t] }
  till:
    <<: *shop
    prefix: till
    drain: { <<: [*drain], user: till }
    database: { owner_url_env: P, owner: o, tables: [t] }
`;
  const places = problemsOf(text).map(({ line, key }) => `${line} ${key}`);
  expect(places).toContain('5 apps.shop.drain.tokens[0]');
  expect(places).toContain('5 apps.till.drain.tokens[0]');
});

test('of a file with thousands of faults the first hundred are shown, with the count of the others', () => {
  const keys = Array.from({ length: 5_000 }, (_, index) => `${index.toString(36)}:`).join('\n');
  const problems = problemsOf(keys);
  expect(problems.length).toBeGreaterThan(5_000);
  const shown = showProblems(problems);
  expect(shown).toHaveLength(101);
  expect(shown.at(-1)).toBe(`… and ${problems.length - 100} more`);
  expect(invalidConfig('f', problems).message.length).toBeLessThan(30_000);
});

test('an alias bomb, a circle, a deep nest and a huge file end in a problem, at once', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
    .split('')
    .map((name, index) => {
      const before = 'abcdefg'[index];
      return `${name}: &${name} [${Array(9).fill(`*${before}`).join(',')}]`;
    })
    .join('\n')}\n`;
  expect(told(right + bomb).join()).toMatch(/aliases unfold to more than/);
  expect(told('apps: &a\n  x: *a\nversion: 1\n').length).toBeGreaterThan(0);
  expect(told('a: &a { <<: *a }\n').length).toBeGreaterThan(0);
  expect(told('['.repeat(20_000)).length).toBeGreaterThan(0);
  expect(told(`#${'x'.repeat(2_000_000)}`)).toEqual(['1: The file is larger than 262144 bytes.']);
});

test('any text at all gives a configuration or problems with a place, and never throws', () => {
  const lines = right.split('\n');
  const broken = fc
    .array(
      fc.tuple(
        fc.nat(lines.length - 1),
        fc.oneof(
          fc.string({ maxLength: 30 }),
          fc.constantFrom(
            '',
            '  x: &a *a',
            '<<: 1',
            '- ',
            '? [a]',
            'null:',
            '"__proto__": { x: 1 }',
            '1: 2',
          ),
        ),
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((changes) => {
      const copy = [...lines];
      for (const [at, line] of changes) copy[at] = line;
      return copy.join('\n');
    });
  fc.assert(
    fc.property(broken, (text) => {
      for (const problem of problemsOf(text)) {
        expect(problem.line).toBeGreaterThanOrEqual(1);
        expect(problem.line).toBeLessThanOrEqual(text.split('\n').length);
        expect(problem.sentence).toMatch(/\.$/s);
      }
    }),
    { numRuns: 400 },
  );
});
