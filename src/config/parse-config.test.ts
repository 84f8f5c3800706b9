import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { rightConfig as right } from '../../test/rig/right-config.ts';
import { parseConfig, readConfig } from './read-config.ts';

const example = fileURLToPath(new URL('../../examples/raxx/pgwitness.yaml', import.meta.url));

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

describe('a configuration that is right', () => {
  test("the example holds the runbook's deployment whole", async () => {
    const config = await readConfig(example);
    expect(config.archive).toEqual({
      kind: 's3',
      bucket: 'raxx-heroku-logs-prod',
      region: 'us-east-1',
      encryption: 'AES256',
    });
    expect(config.apps.map((app) => app.name)).toEqual(['raxx-api-prod', 'raxx-api-staging']);
    expect(config.apps.map((app) => app.prefix)).toEqual(['raxx-api-prod', 'raxx-api-staging']);
    for (const app of config.apps) {
      expect(app.database.tables.map((table) => table.name)).toEqual([
        'users',
        'sessions',
        'passkeys',
        'subscriptions',
        'positions',
        'trades',
      ]);
      expect(app.database.appendOnly).toEqual([
        { schema: 'public', name: 'customer_audit_events' },
      ]);
      expect(app.database.roles).toEqual([
        { name: 'raxx_owner', logStatement: 'ddl', history: [] },
        { name: 'raptor_app', logStatement: 'mod', history: ['select', 'insert'] },
        { name: 'audit_archiver', logStatement: 'mod', history: ['select', 'update'] },
        { name: 'raptor_audit_compliance', history: ['select'] },
      ]);
      expect(app.smoke?.withinMs).toBe(30_000);
      expect(app.smoke?.event.row['id']).toBe('pgaudit-smoke-{nonce}');
      expect(app.smoke?.trigger.row['email_verified_at']).toBeNull();
    }
    const [prod, staging] = config.apps;
    expect(prod?.drain?.user).toBe(staging?.drain?.user);
    expect(prod?.drain?.secretEnv).toBe(staging?.drain?.secretEnv);
    expect(prod?.drain?.tokens).not.toEqual(staging?.drain?.tokens);
    expect(staging?.database.ownerUrlEnv).toBe('RAXX_STAGING_OWNER_URL');
  });

  test('defaults stand in, and relative paths are relative to the file', () => {
    const parsed = parseConfig(right, '/etc/pgwitness/pgwitness.yaml');
    expect(parsed).toMatchObject({
      ok: true,
      config: {
        path: '/etc/pgwitness/pgwitness.yaml',
        archive: { kind: 'folder', folder: '/etc/pgwitness/archive' },
        spaces: [],
        receiver: { host: '127.0.0.1', port: 8080 },
        apps: [
          {
            name: 'shop',
            prefix: 'shop',
            drain: { user: 'shop', tokens: [] },
            smoke: { withinMs: 30_000 },
          },
        ],
      },
    });
  });

  test('the login that pseudonymizes is one of its own, where the file names one', () => {
    const login = (text: string) => {
      const parsed = parseConfig(text, 'f');
      return parsed.ok ? parsed.config.apps[0]?.database.archiverUrlEnv : parsed.problems;
    };
    expect(login(right)).toBeUndefined();
    const named = '      app_url_env: SHOP_APP_URL\n      archiver_url_env: SHOP_ARCHIVER_URL';
    expect(login(withLine(9, named))).toBe('SHOP_ARCHIVER_URL');
  });

  test('a table is named as in SQL, quotes included, and comes out as in the catalogue', () => {
    const text = right
      .replace('- orders', `- '"My Schema"."T ""x"" 1"'`)
      .replace('- customers', '- billing.invoices')
      .replace('table: orders', `table: '"My Schema"."T ""x"" 1"'`);
    const parsed = parseConfig(text, 'f');
    expect(parsed.ok && parsed.config.apps[0]?.database.tables).toEqual([
      { schema: 'My Schema', name: 'T "x" 1' },
      { schema: 'billing', name: 'invoices' },
    ]);
  });
});

describe('a configuration that is wrong', () => {
  test('every fault is told at once, in the order of the file, each with its line and a fix', () => {
    const text = right
      .replace('version: 1', 'version: 2')
      .replace('  secret_env: SHOP', '  secret_evn: SHOP')
      .replace('owner: shop_owner', 'ownr: shop_owner')
      .replace('- customers', '- orders')
      .replace('log_statement: mod', 'log_statement: most')
      .replace('table: ledger', 'table: nowhere');
    const problems = problemsOf(text);
    expect(problems.map((problem) => `${problem.line}: ${problem.sentence}`)).toEqual([
      '1: `version` must be 1.',
      '5: `apps.shop.drain.secret_env` is missing.',
      '6: There is no key `secret_evn` in `apps.shop.drain`.',
      '7: `apps.shop.database.owner` is missing.',
      '10: There is no key `ownr` in `apps.shop.database`.',
      '13: The table public.orders stands in `tables` twice.',
      '16: `apps.shop.database.roles.shop_app.log_statement` must be none, ddl, mod or all.',
      "18: The smoke test's table public.nowhere is not one of the app's tables.",
    ]);
    expect(problems[2]).toMatchObject({ column: 7, fix: 'Did you mean `secret_env`?' });
    expect(problems.every((problem) => problem.fix.length > 10)).toBe(true);
  });

  test.each([
    ['no version', right.replace('version: 1\n', ''), '1: `version` is missing.'],
    [
      'a wrong type',
      withLine(10, '      owner: [a]'),
      '10: `apps.shop.database.owner` must be a text, and is a list.',
    ],
    [
      'an empty key',
      withLine(10, '      owner:'),
      '10: `apps.shop.database.owner` must be a text, and is empty.',
    ],
    [
      'a key that stands twice',
      withLine(9, '      owner_url_env: B'),
      '9: This key stands twice in the same place.',
    ],
    [
      'a role that stands twice',
      withLine(16, '        shop_app: {}\n        shop_app: {}'),
      '17: This key stands twice in the same place.',
    ],
    [
      'YAML that is none',
      withLine(13, '        - [customers'),
      '14: This is not valid YAML: Flow sequence',
    ],
    [
      'a tab as indentation',
      withLine(13, '\t- customers'),
      '13: This is not valid YAML: Tabs are not allowed',
    ],
    [
      'two documents',
      `${right}---\nversion: 1\n`,
      '20: This is not valid YAML: A second document begins here.',
    ],
    [
      'an unknown tag',
      withLine(10, '      owner: !!js/function x'),
      '10: This is not valid YAML: Unresolved tag',
    ],
    [
      'an app name that is no path segment',
      withLine(4, '  ../shop:'),
      '4: The name `../shop` must be lower-case letters',
    ],
    [
      'what stands below an app whose name is none',
      withLine(4, '  Shop:').replace('tables:', 'tabels:'),
      '11: There is no key `tabels` in `apps.Shop.database`.',
    ],
    [
      'a table in both lists',
      withLine(14, '      append_only: [ledger, orders]'),
      '14: The table public.orders stands both in `tables` and in `append_only`.',
    ],
    [
      'a table that is no name',
      withLine(13, '        - a.b.c'),
      '13: This table is not a table name',
    ],
    [
      'capitals without quotes',
      withLine(13, '        - Customers'),
      '13: This table has a part that SQL would only take in double quotes',
    ],
    [
      'a name too long for its history',
      withLine(13, `        - ${'t'.repeat(43)}`),
      '13: The name of the table is too long for its triggers',
    ],
    [
      'a history table as a table',
      withLine(13, '        - orders_history'),
      '12: The history of public.orders is public.orders_history',
    ],
    [
      'one login for owner and application',
      withLine(9, '      app_url_env: SHOP_OWNER_URL'),
      '9: The owner and the application log in with the same URL',
    ],
    [
      'one login for the application and the role that pseudonymizes',
      withLine(9, '      app_url_env: SHOP_APP_URL\n      archiver_url_env: SHOP_APP_URL'),
      '10: The application and the role that pseudonymizes log in with the same URL',
    ],
    [
      'an owner with grants',
      withLine(16, '        shop_owner: { history: [select] }'),
      '16: The owner, `shop_owner`, is given privileges',
    ],
    [
      'a smoke row without a nonce',
      withLine(18, "      event: { table: ledger, row: { id: 'x' } }"),
      '18: No column of this row holds {nonce}',
    ],
    [
      'an unknown placeholder',
      withLine(18, "      event: { table: ledger, row: { id: '{nonce}{user}' } }"),
      '18: {user} is not something',
    ],
    [
      'a trigger test on a table without history',
      withLine(19, "      trigger: { table: ledger, row: { id: '{nonce}' } }"),
      "19: The smoke test's table public.ledger",
    ],
    [
      'a smoke test without a login',
      withLine(9, ''),
      '17: The smoke test writes as the application',
    ],
    [
      'a duration that is none',
      withLine(17, '    smoke:\n      within: soon'),
      '18: `apps.shop.smoke.within` must be a duration',
    ],
    [
      'an endless wait',
      withLine(17, '    smoke:\n      within: 2d'),
      '18: The smoke test would wait for more than an hour.',
    ],
    ['a home folder', withLine(2, 'archive: { folder: ~/x }'), '2: This path begins with ~'],
    ['no app', 'version: 1\narchive: { folder: a }\napps: {}\n', '3: There is no app in `apps`.'],
    [
      'a list instead of keys',
      '- a\n- b\n',
      '1: `The file` must be a group of keys, and is a list.',
    ],
  ])('%s is refused with its line', (_, text, expected) => {
    expect(
      told(text).some((line) => line.startsWith(expected)),
      told(text).join('\n'),
    ).toBe(true);
  });

  test('apps that share user and secret need tokens, one app a token, one app a prefix', () => {
    const other = right
      .slice(right.indexOf('  shop:'))
      .replace('  shop:', '  till:')
      .replace('SHOP_OWNER_URL', 'TILL_OWNER_URL');
    const both = (a: string, b: string) =>
      right.replace('    drain:', `    drain:\n      user: one${a}`) +
      other.replace('    drain:', `    prefix: shop\n    drain:\n      user: one${b}`);
    expect(told(both('', ''))).toEqual([
      "5: `shop` shares its drain's user and secret with `till`, and nothing tells their lines apart.",
      '22: Two apps put their objects under logs/shop/.',
      "23: `till` shares its drain's user and secret with `shop`, and nothing tells their lines apart.",
    ]);
    const tokens = '\n      tokens: [d.1]';
    expect(told(both(tokens, tokens))).toEqual([
      '23: Two apps put their objects under logs/shop/.',
      '26: This drain token stands here for the second time.',
    ]);
  });

  test('two apps in one database are refused: one install would belong to both', () => {
    const other = right
      .slice(right.indexOf('  shop:'))
      .replace('  shop:', '  till:')
      .replace('SHOP_DRAIN', 'TILL_DRAIN');
    expect(told(right + other)).toEqual([
      "24: Two apps keep their changes in one database: this is another app's login, too.",
    ]);
  });
});
