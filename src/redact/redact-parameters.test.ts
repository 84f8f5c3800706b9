import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyEdits } from './edit.ts';
import { redactParameters } from './redact-parameters.ts';

function redacted(text: string, whole = true): string | undefined {
  const edits = redactParameters(text, (value) => `<${value}>`, { whole });
  return edits.ok ? applyEdits(text, edits.edits) : undefined;
}

test('each value becomes its token, NULL stays', () => {
  expect(redacted("$1 = '42', $2 = NULL, $3 = 'it''s', $4 = '', $10 = 'a\n\tb'")).toBe(
    "$1 = '<42>', $2 = NULL, $3 = '<it's>', $4 = '<>', $10 = '<a\n\tb>'",
  );
});

test('the word before them may stand there, as 13 to 15 and as 16 to 18 write it', () => {
  expect(redacted("parameters: $1 = 'a'")).toBe("parameters: $1 = '<a>'");
  expect(redacted("Parameters: $1 = 'a'")).toBe("Parameters: $1 = '<a>'");
});

test('a value that reads like a parameter is one value', () => {
  expect(redacted("$1 = 'a'', $2 = ''b', $2 = 'NULL'")).toBe("$1 = '<a', $2 = 'b>', $2 = '<NULL>'");
});

test('a value that log_parameter_max_length cut is taken as it stands there', () => {
  expect(redacted("$1 = 'joe@exa...', $2 = '...'")).toBe("$1 = '<joe@exa...>', $2 = '<...>'");
});

test('what is no list of parameters is not placed', () => {
  for (const text of [
    '',
    'joe',
    "$1 = 'a' joe",
    "$1 = 'a', joe",
    '$1 = joe',
    "$1 = 'a",
    "$1 = 'a',",
    "$1 = 'a'$2 = 'b'",
    "joe $1 = 'a'",
    '$1 = NULLjoe',
    "$123456 = 'a'",
  ]) {
    expect(redacted(text), text).toBeUndefined();
  }
});

test('random values leave none of their characters, whole or cut anywhere', () => {
  const value = fc.option(fc.stringMatching(/^[Q-Z', \n.$1-9=]{0,12}$/), { nil: undefined });
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), fc.nat(80), (values, cut) => {
      const text = values
        .map((each, index) => {
          const written = each === undefined ? 'NULL' : `'${each.replaceAll("'", "''")}'`;
          return `$${index + 1} = ${written}`;
        })
        .join(', ');
      const given: string[] = [];
      const tokenOf = (each: string) => {
        given.push(each);
        return 'token';
      };
      const whole = redactParameters(text, tokenOf, { whole: true });
      expect(given).toEqual(values.filter((each) => each !== undefined));
      expect(whole.ok && applyEdits(text, whole.edits)).toMatch(
        /^\$\d = (?:NULL|'token')(?:, \$\d = (?:NULL|'token'))*$/,
      );
      const short = text.slice(0, cut);
      const edits = redactParameters(short, () => 'token', { whole: false });
      expect(edits.ok).toBe(true);
      const left = edits.ok ? applyEdits(short, edits.edits) : '';
      expect(left.replace(/'token'|'\[cut\]'/g, '')).toMatch(/^[$\d =,NUL]*$/);
    }),
  );
});
