import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editSecrets, parseSecrets } from './secrets-text.ts';

function secretsOf(text: string) {
  const parsed = parseSecrets(text);
  return parsed.ok ? Object.fromEntries(parsed.secrets) : `${parsed.line}: ${parsed.why}`;
}

describe('a file of secrets', () => {
  test('holds a NAME=value a line, with comments and quotes', () => {
    const text = [
      '# what the receiver needs',
      '',
      'RAXX_DRAIN_SECRET=abc-_1',
      `OWNER_URL='postgres://raxx:a#b"c$d\\e@db/raxx?x=1&y=2' # of the owner`,
      'APP_URL="postgres://db/raxx?x=1&y=2"',
      '  # indented',
      'EMPTY=',
      'HASH=a#b',
    ].join('\r\n');
    expect(secretsOf(text)).toEqual({
      RAXX_DRAIN_SECRET: 'abc-_1',
      OWNER_URL: `postgres://raxx:a#b"c$d\\e@db/raxx?x=1&y=2`,
      APP_URL: 'postgres://db/raxx?x=1&y=2',
      EMPTY: '',
      HASH: 'a#b',
    });
  });

  test.each([
    ['A=1\nsecret-value', '2: is not NAME=value'],
    ['export A=1', '1: is not NAME=value'],
    [' A=1', '1: is not NAME=value'],
    ['A = 1', '1: is not NAME=value'],
    ['A: 1', '1: is not NAME=value'],
    ['a=1', '1: has a name with small letters'],
    ['A=1\nB=2\nA=3', '3: has a name that stands there already'],
    ['A=two words', '1: has a value that more than one reading is possible of'],
    ['A= 1', '1: has a value that more than one reading is possible of'],
    ["A='open", '1: has a value that more than one reading is possible of'],
    ["A='a'b", '1: has a value that more than one reading is possible of'],
    ["A='it''s'", '1: has a value that more than one reading is possible of'],
    ['A="a$B"', '1: has a value that more than one reading is possible of'],
    ['A=a$B', '1: has a value that more than one reading is possible of'],
    ['A=a\\nb', '1: has a value that more than one reading is possible of'],
    ['A=a\u0007b', '1: holds a control character'],
  ])('%j is refused, and not quoted', (text, expected) => {
    expect(secretsOf(text)).toBe(expected);
    expect(expected).not.toContain('secret-value');
  });

  test('never makes the reader throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        parseSecrets(text);
      }),
    );
  });
});

describe('an edit', () => {
  test('changes its lines, and leaves all else with its comments', () => {
    const text = '# first\nA=1\n\nB=2 # second\nC=3';
    const changes = new Map([
      ['A', 'new'],
      ['B', undefined],
      ['D', 'added'],
      ['E', undefined],
    ]);
    expect(editSecrets(text, changes)).toBe("# first\nA='new'\n\nC=3\nD='added'\n");
    expect(editSecrets('', new Map([['A', '1']]))).toBe("A='1'\n");
    expect(editSecrets("A='1'\n", new Map([['A', undefined]]))).toBe('');
  });

  test('is read back as it was meant', () => {
    const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,5}$/);
    const value = fc.string().filter((text) => !text.includes("'"));
    const secrets = fc.dictionary(name, value, { noNullPrototype: true });
    fc.assert(
      fc.property(secrets, secrets, (before, changed) => {
        const text = editSecrets('# top\n', new Map(Object.entries(before)));
        const edited = editSecrets(text, new Map(Object.entries(changed)));
        expect(secretsOf(edited)).toEqual({ ...before, ...changed });
        expect(edited.startsWith('# top\n')).toBe(true);
      }),
    );
  });

  test('refuses a value that it could not write', () => {
    expect(() => editSecrets('', new Map([['A', "it's"]]))).toThrow(TypeError);
    expect(() => editSecrets('', new Map([['A', 'a\nB=2']]))).toThrow(TypeError);
  });
});
