import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../demo/embedded-postgres.ts';
import { databaseProblems } from './database-problems.ts';
import { chooseApp, parseConfig } from './read-config.ts';

let postgres: EmbeddedPostgres;
let client: pg.Client;
beforeAll(async () => {
  postgres = await startEmbeddedPostgres({ settings: { logging_collector: 'off' } });
  const { user, password } = postgres.superuser;
  client = new pg.Client({ connectionString: postgres.url(user, password) });
  await client.connect();
  await client.query(`
    create role shop_owner; create role shop_app;
    create schema billing; create schema "My Schema";
    create table orders (id text, total int); alter table orders owner to shop_owner;
    create table billing.invoices (id text); alter table billing.invoices owner to shop_owner;
    create table "My Schema"."Odd ""one""" (id text); alter table "My Schema"."Odd ""one""" owner to shop_owner;
    create table strays (id text);
    create view totals as select 1 as one;
  `);
});
afterAll(async () => {
  await client?.end();
  await postgres?.stop();
});

async function told(database: string, smoke = '') {
  const text = `version: 1\narchive: { folder: a }\napps:\n  shop:\n    drain: { secret_env: S }\n    database:\n      owner_url_env: O\n      app_url_env: A\n${database}${smoke}`;
  const parsed = parseConfig(text, 'pgwitness.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const problems = await databaseProblems(
    chooseApp(parsed.config),
    'pgwitness.yaml',
    parsed.locate,
    async (sql, parameters) => (await client.query(sql, [...parameters])).rows,
  );
  return problems.map(({ line, sentence, fix }) => `${line}: ${sentence} ${fix}`);
}

test('a file that names what the database has is in order', async () => {
  expect(
    await told(
      `      owner: shop_owner\n      tables: [orders, billing.invoices, '"My Schema"."Odd ""one"""']\n      roles: { shop_app: {} }\n`,
      `    smoke:\n      event: { table: orders, row: { id: '{nonce}' } }\n      trigger: { table: orders, row: { id: '{nonce}' } }\n`,
    ),
  ).toEqual([]);
});

test('a missing role, table and column, a view and a stranger’s table are told with their lines', async () => {
  const problems = await told(
    `      owner: shop_ownr
      tables:
        - { table: orders, exclude: [secret], personal: [id, TOTAL] }
        - invoices
        - totals
        - strays
      append_only:
        - nowhere
      roles:
        shop_app: {}
        Shop_app: {}
`,
    `    smoke:\n      event: { table: orders, row: { id: '{nonce}', totl: 1 } }\n      trigger: { table: orders, row: { id: '{nonce}' } }\n`,
  );
  expect(problems).toEqual([
    expect.stringMatching(/^9: The database has no role `shop_ownr`\./),
    expect.stringMatching(
      /^11: The table public\.orders is owned by shop_owner, not by `shop_ownr`\./,
    ),
    '11: The table public.orders has no column `secret`. Its columns: id, total.',
    '11: The table public.orders has no column `TOTAL`. Its columns: id, total.',
    expect.stringMatching(/^12: .*no table public\.invoices\. Did you mean billing\.invoices\?/),
    expect.stringMatching(/^13: public\.totals is no table\./),
    expect.stringMatching(/^14: The table public\.strays is owned by postgres/),
    expect.stringMatching(/^16: The database has no table public\.nowhere\. Create it/),
    expect.stringMatching(/^19: The database has no role `Shop_app`\./),
    expect.stringMatching(/^21: .*no column `totl`\. Its columns: id, total\./),
  ]);
});
