import fc from 'fast-check';
import { loadModule, scanSync } from 'libpg-query';
import { beforeAll, expect, test } from 'vitest';
import { readSqlTokens } from './sql-tokens.ts';

beforeAll(loadModule);

/** Everything that begins, ends or quotes something, so that random orders of it hit the rules. */
const pieces = [
  ...["'", "''", '"', '\\', '$', '$$', '$t$', '$1', 'E', 'e', 'U&', 'N', 'b', 'X', 'uescape'],
  ...['--', '/*', '*/', '\n', ' ', '\t', '\r', '-', '+', '*', '/', '.', ',', '(', ')', '@', '<'],
  ...['0x1F', '0b1', '0o7', '1', '1_0', '1.5', '.5', '1e5', '12..3', '_', 'a', 'ä', '😀', ' '],
  ...["'a'", "E'\\''", "U&'\\0041'", "X'1f'", '"n"', 'select', '::', ':='],
];
const literals: ReadonlyMap<number, string> = new Map([
  [258, 'name'],
  [259, 'name'],
  [260, 'number'],
  [261, 'text'],
  [262, 'text'],
  [263, 'text'],
  [264, 'text'],
  [266, 'number'],
  [267, 'param'],
  [275, 'comment'],
  [276, 'comment'],
]);

/** Where Postgres's own scanner sees what, or undefined where it refuses the text. */
function scanned(sql: string): string[] | undefined {
  let tokens: ReturnType<typeof scanSync>['tokens'];
  try {
    ({ tokens } = scanSync(sql));
  } catch {
    return undefined;
  }
  const bytes = Buffer.from(sql);
  const unit = (byte: number) => bytes.subarray(0, byte).toString().length;
  return tokens.flatMap(({ start, end, tokenType }) => {
    const kind = literals.get(tokenType);
    const [from, to] = [unit(start), unit(end)];
    const bare = kind === 'name' && sql[to - 1] !== '"';
    return kind === undefined || bare ? [] : [`${kind} ${from}-${to}`];
  });
}

function read(sql: string): string[] {
  return readSqlTokens(sql).flatMap(({ kind, start, end }) => {
    const place = (from: number) => `${from}-${end}`;
    switch (kind) {
      case 'number':
      case 'param':
      case 'comment':
      case 'name':
        return [`${kind} ${place(start)}`];
      case 'word':
      case 'symbol':
        return [];
      default:
        // Postgres's scanner takes the N of N'…' for a keyword of its own.
        return [`text ${place(/^n/i.test(sql.slice(start)) ? start + 1 : start)}`];
    }
  });
}

test("values begin and end where Postgres's own scanner sees them begin and end", () => {
  let compared = 0;
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
      // At its very end a text may be cut within `$tag$`, which the other does not know.
      const sql = `${parts.join('')} `;
      const theirs = scanned(sql);
      // libpg_query's scanner gives comments out, and so joins no literal over one, as Postgres does.
      if (theirs === undefined || /'\s*--/.test(sql)) return;
      compared += 1;
      expect(read(sql)).toEqual(theirs);
    }),
    { numRuns: 20_000 },
  );
  expect(compared).toBeGreaterThan(4_000);
});

test('no character but white space stands outside the pieces, in any text', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(fc.constantFrom(...pieces)).map((all) => all.join('')),
      ),
      (sql) => {
        const tokens = readSqlTokens(sql);
        const left = tokens.map(({ start }, index) =>
          sql.slice(tokens[index - 1]?.end ?? 0, start),
        );
        expect([...left, sql.slice(tokens.at(-1)?.end ?? 0)].join('')).toMatch(/^[ \t-\r]*$/);
        expect(tokens.every(({ start, end }) => end > start)).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test('an end that hangs on standard_conforming_strings is doubtful, one that does not is none', () => {
  const doubtful = (sql: string) => readSqlTokens(sql).some((token) => token.doubtful);
  expect(doubtful(String.raw`'C:\', 'x'`)).toBe(true);
  expect(doubtful(String.raw`N'a\'' '`)).toBe(true);
  expect(doubtful(String.raw`'C:\\', 'x'`)).toBe(false);
  expect(doubtful(String.raw`'C:\dir'`)).toBe(false);
  expect(doubtful(String.raw`E'it\'s'`)).toBe(false);
});

test('scanning takes time in proportion to the text, whatever is in it', () => {
  for (const piece of ["'a' --", '/*', '$a$', "''", '--', '"', "E'\\", '$t', '1_', "'a'\n"]) {
    const begin = performance.now();
    readSqlTokens(piece.repeat(200_000));
    expect(performance.now() - begin, piece).toBeLessThan(2_000);
  }
});
