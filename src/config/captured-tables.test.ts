import { describe, expect, test } from 'vitest';
import { rightConfig as right } from '../../test/rig/right-config.ts';
import { parseConfig } from './read-config.ts';

function problemsOf(text: string) {
  const parsed = parseConfig(text, 'pgwitness.yaml');
  return parsed.ok ? [] : parsed.problems;
}
/** `line: sentence` of each problem. */
function told(text: string) {
  return problemsOf(text).map((problem) => `${problem.line}: ${problem.sentence}`);
}

describe('how a table is captured', () => {
  const databaseOf = (text: string) => {
    const parsed = parseConfig(text, 'f');
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    return parsed.config.apps[0]?.database;
  };
  const entry = `- table: orders
          exclude: [token, "a\\nb"]
          mask: [ip_address]
          personal: [email, Name]
          on_failure: abort
          triggers: origin`;

  test('a file that says nothing of it leaves all open but the witness lines, which are on', () => {
    expect(databaseOf(right)).toMatchObject({
      witness: true,
      tables: [
        { schema: 'public', name: 'orders' },
        { schema: 'public', name: 'customers' },
      ],
    });
    expect(databaseOf(right)?.tables[0]).toEqual({ schema: 'public', name: 'orders' });
  });

  test('what the database says holds for each table that does not say otherwise', () => {
    const text = right
      .replace('- orders', entry)
      .replace(
        '      tables:',
        '      witness: false\n      on_failure: continue\n      triggers: always\n      tables:',
      );
    expect(databaseOf(text)).toMatchObject({ witness: false });
    expect(databaseOf(text)?.tables).toEqual([
      {
        schema: 'public',
        name: 'orders',
        exclude: ['token', 'a\nb'],
        mask: ['ip_address'],
        personal: ['email', 'Name'],
        onFailure: 'abort',
        always: false,
      },
      { schema: 'public', name: 'customers', onFailure: 'continue', always: true },
    ]);
  });

  test.each([
    ['exclude: [a, a]', '14: This column stands here twice.'],
    ['mask: [b, a, b]', '14: This column stands here twice.'],
    [
      'exclude: [a]\n          mask: [b, a]',
      '15: The column `a` stands both in `exclude` and in `mask`.',
    ],
    [
      'exclude: [a]\n          personal: [a]',
      '15: The column `a` is `personal`, and excluded from capture.',
    ],
    [
      `exclude: [${'é'.repeat(32)}]`,
      '14: This name is longer than 63 bytes, where Postgres cuts names off.',
    ],
    [
      `mask: [${'e'.repeat(64)}]`,
      '14: `apps.shop.database.tables[1].mask[0]` is longer than 63 characters.',
    ],
    ["personal: ['']", '14: `apps.shop.database.tables[1].personal[0]` is empty.'],
    ['personal: ["a\\0"]', '14: This name holds a NUL.'],
    [
      'personal: email',
      '14: `apps.shop.database.tables[1].personal` must be a list, and is a text.',
    ],
    ['exlude: [a]', '14: There is no key `exlude` in `apps.shop.database.tables[1]`.'],
    [
      'on_failure: never',
      '14: `apps.shop.database.tables[1].on_failure` must be abort or continue.',
    ],
    ['triggers: no', '14: `apps.shop.database.tables[1].triggers` must be origin or always.'],
  ])('%s is told with its line', (keys, expected) => {
    const text = right.replace('- customers', `- table: customers\n          ${keys}`);
    expect(told(text)).toEqual([expected]);
    expect(problemsOf(text).every(({ fix }) => fix.length > 10)).toBe(true);
  });

  test.each([
    ['- { exclude: [a] }', '13: `apps.shop.database.tables[1].table` is missing.'],
    ['- { table: Customers }', '13: This table has a part that SQL would only take'],
    ['- { table: orders }', '13: The table public.orders stands in `tables` twice.'],
    [
      '- 7',
      '13: `apps.shop.database.tables[1]` must be the name of a table, or a group of keys with `table` in it.',
    ],
    [
      '- { table: orders_history }',
      '12: The history of public.orders is public.orders_history, which is listed',
    ],
  ])('of %s the table is looked at as of any other', (line, expected) => {
    const [first, ...others] = told(right.replace('- customers', line));
    expect(first).toContain(expected);
    expect(others).toEqual([]);
  });

  test('an append-only table has no columns to leave out: it is a name alone', () => {
    expect(told(right.replace('[ledger]', '[{ table: ledger, exclude: [a] }]'))).toContain(
      '14: `apps.shop.database.append_only[0]` must be a text, and is a group of keys.',
    );
  });

  test('a smoke test whose nonce history would not show is refused', () => {
    const hidden = (list: string) =>
      told(right.replace('- orders', `- table: orders\n          ${list}: [id]`));
    const sentence = 'Only columns that are left out or masked hold {nonce}';
    expect(hidden('exclude').join()).toContain(`20: ${sentence}`);
    expect(hidden('mask').join()).toContain(`20: ${sentence}`);
    expect(hidden('personal')).toEqual([]);
  });
});
