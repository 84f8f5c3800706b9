import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../demo/embedded-postgres.ts';
import { asNumber, literalValue } from './literal-value.ts';
import { readSqlTokens } from './sql-tokens.ts';

let postgres: EmbeddedPostgres;
let client: pg.Client;

beforeAll(async () => {
  postgres = await startEmbeddedPostgres({});
  const { user, password } = postgres.superuser;
  client = new pg.Client({ connectionString: postgres.url(user, password, 'postgres') });
  await client.connect();
});

afterAll(async () => {
  await client?.end();
  await postgres?.stop();
});

/** What the server prints for each literal, or undefined where it takes it not. */
async function asPrinted(literal: string): Promise<string | undefined> {
  try {
    const { rows } = await client.query<{ value: string }>(`select (${literal})::text as value`);
    return rows[0]?.value;
  } catch {
    return undefined;
  }
}

function asRead(literal: string): string {
  const [token, , mark] = readSqlTokens(literal);
  if (token === undefined) throw new Error('no literal');
  return literalValue(literal, token, mark === undefined ? undefined : literalValue(literal, mark));
}

async function bothAgree(literals: fc.Arbitrary<string>, numRuns: number): Promise<void> {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(literals, async (literal) => {
      const printed = await asPrinted(literal);
      if (printed === undefined) return;
      compared += 1;
      // N'…' is a char(n), from which the cast takes the blanks at its end.
      const read = literal.startsWith('N') ? asRead(literal).replace(/ +$/, '') : asRead(literal);
      expect(read, literal).toBe(printed);
    }),
    { numRuns },
  );
  expect(compared).toBeGreaterThan(numRuns / 4);
}

test('a text literal of any form has the value that the server reads in it', async () => {
  const inside = fc
    .array(
      fc.constantFrom(
        ...[
          'a',
          'é',
          '😀',
          ' ',
          '"',
          "''",
          '\\\\',
          '\\n',
          '\\t',
          '\\v',
          '\\x41',
          '\\xc3\\xa9',
          '\\101',
        ],
        ...['\\303\\251', '\\u00e9', '\\ud83d\\ude00', '\\U0001f600', '\\0041', '\\+01f600', '\\q'],
        ...["\\'", "'\n'", "' \t\n -- c\n '", '!0041', '!!', '$', '\\\n'],
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join(''));
  const form = fc.constantFrom(
    (text: string) => `'${text}'`,
    (text: string) => `E'${text}'`,
    (text: string) => `e'${text}'`,
    (text: string) => `N'${text}'`,
    (text: string) => `U&'${text}'`,
    (text: string) => `u&'${text}' uescape '!'`,
    (text: string) => `$$${text}$$`,
    (text: string) => `$t1$${text}$t1$`,
  );
  await bothAgree(
    fc.tuple(form, inside).map(([write, text]) => write(text)),
    1_500,
  );
});

test('a number of any form has the text that the server prints for it', async () => {
  const digits = fc.array(fc.constantFrom('0', '1', '9', '42', '_5'), { maxLength: 4 });
  const joined = digits.map((all) => all.join(''));
  const decimal = fc
    .tuple(joined, fc.constantFrom('', '.'), joined, fc.constantFrom('', 'e3', 'E-5', 'e+12', 'e0'))
    .map((parts) => parts.join(''))
    .filter((text) => /^\.?\d/.test(text));
  const other = fc
    .tuple(fc.constantFrom('0x', '0X', '0o', '0b', '0B'), fc.constantFrom('1F', '17', '0_1', '00'))
    .map((parts) => parts.join(''));
  await bothAgree(fc.oneof(decimal, other), 800);
});

test('bits are the same in both forms', async () => {
  await bothAgree(fc.constantFrom("B'0101'", "X'1f'", "x'AB'", "b''", "B'1'\n'0'"), 20);
});

test('a number has one text however long it is, and a wild exponent costs nothing', () => {
  expect(asRead('1e100000000')).toBe('1e100000000');
  expect(asRead(`0x${'f'.repeat(100_000)}`)).toHaveLength(100_002);
  expect(asRead('1a')).toBe('1a');
});

test('a text that is a number in another form than the server prints has that one too', () => {
  expect(asNumber('042')).toBe('42');
  expect(asNumber('0x2A')).toBe('42');
  expect(asNumber('1.5e3')).toBe('1500');
  for (const text of ['42', '4.20', 'joe', '', '-42', '2026-01-01', "4'2"]) {
    expect(asNumber(text), text).toBeUndefined();
  }
});
