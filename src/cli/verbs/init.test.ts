import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import {
  type CaptureWorld,
  password,
  startCaptureWorld,
  type TestDatabase,
} from '../../../test/rig/capture-world.ts';
import { runCli } from '../../../test/rig/run-cli.ts';
import { parseConfig } from '../../config/read-config.ts';
import type { Proposal } from '../../init/proposal.ts';

let world: CaptureWorld;
let folder: string;
let out: string;
beforeAll(async () => {
  world = await startCaptureWorld();
  folder = await mkdtemp(join(tmpdir(), 'pgwitness-init-'));
});
beforeEach(async () => {
  await rm(folder, { recursive: true, force: true });
  folder = await mkdtemp(join(tmpdir(), 'pgwitness-init-'));
  out = join(folder, 'pgwitness.yaml');
});
afterAll(async () => {
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

const owner = (database: TestDatabase) => ({ SHOP_OWNER_URL: database.url('raxx_owner') });

function init(env: Readonly<Record<string, string>>, ...args: string[]) {
  return runCli(['init', '--app', 'shop', '--out', out, ...args], { env });
}

/** What is proposed, as data. */
async function proposalOf(database: TestDatabase, ...args: string[]): Promise<Proposal> {
  const { stdout, stderr, code } = await init(owner(database), '--json', ...args);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
/** The columns of a table by list. */
const columnsOf = ({ tables }: Proposal, table: string) =>
  tables.find(({ name }) => name === table)?.columns.map(({ list, name }) => `${list} ${name}`);

test('writes a file that `config check` and the database accept, and tells what leaves with it', async () => {
  const database = await world.database();
  const env = owner(database);
  const { stdout, stderr, code } = await init(env);
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  expect(stdout).toContain('6 tables, 1 append-only, 2 roles, 3 columns');
  expect(stdout).toMatch(
    /What leaves the database with it, once installed\n {2}Witness lines: .*text of that query/,
  );
  expect(stdout.indexOf('What leaves')).toBeLessThan(stdout.indexOf(`\n${out} is written.`));
  expect(stdout).toMatch(/Never images/);
  expect(stdout).toMatch(/`witness: false` switches them off/);
  const text = await readFile(out, 'utf8');
  expect(text).toContain('- token_digest # bytea: whoever has it can act as the user\n');
  expect(text).toContain('# - Never images, the rows before and after');
  expect(`${stdout}${text}`).not.toContain(encodeURIComponent(password));
  const parsed = parseConfig(text, out);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  expect(parsed.config.apps[0]).toMatchObject({
    name: 'shop',
    drain: { secretEnv: 'SHOP_DRAIN_SECRET' },
    database: {
      ownerUrlEnv: 'SHOP_OWNER_URL',
      appUrlEnv: 'SHOP_APP_URL',
      superuserUrlEnv: 'SHOP_SUPERUSER_URL',
      owner: 'raxx_owner',
      witness: true,
      tables: [
        { name: 'passkeys' },
        { name: 'positions' },
        { name: 'sessions', exclude: ['token_digest'] },
        { name: 'subscriptions' },
        { name: 'trades' },
        { name: 'users', personal: ['email', 'display_name'] },
      ],
      appendOnly: [{ schema: 'public', name: 'customer_audit_events' }],
      roles: [
        { name: 'raxx_owner', logStatement: 'ddl', history: [] },
        { name: 'raptor_app', logStatement: 'mod', history: ['select'] },
      ],
    },
  });
  const checked = await runCli(['config', 'check', '--connect', '--config', out], { env });
  expect(checked).toMatchObject({ stderr: '', code: 0 });
  expect(checked.stdout).toContain(
    'warning SHOP_APP_URL is not set here: `pgwitness coverage` reads from it',
  );
  expect(checked.stdout).not.toContain('SHOP_OWNER_URL is');
  const superuser = world.server.url('postgres', world.server.superuser.password, database.name);
  const installed = await runCli(['install', '--config', out], {
    env: { ...env, SHOP_SUPERUSER_URL: superuser },
  });
  expect(installed.stderr).toBe('');
  expect(installed.code).toBe(0);
  const again = await proposalOf(database);
  expect(again.tables).toHaveLength(6);
  expect(again.leftOut).toHaveLength(6);
  expect(again.leftOut.every(({ why }) => why.startsWith('is the history of'))).toBe(true);
});

test('a file that is there is kept, unless told with --force', async () => {
  const env = owner(await world.database());
  await writeFile(out, 'mine');
  const refused = await init(env);
  expect(refused).toMatchObject({ stdout: '', code: 2 });
  expect(refused.stderr).toContain(`${out} is there already.`);
  expect(refused.stderr).toContain('--force');
  expect(await readFile(out, 'utf8')).toBe('mine');
  expect((await init(env, '--force')).code).toBe(0);
  expect(await readFile(out, 'utf8')).toContain('version: 1');
  expect(await readdir(folder)).toEqual(['pgwitness.yaml']);
  // One that points nowhere is no free name either.
  await rm(out);
  await symlink(join(folder, 'nowhere'), out);
  expect((await init(env)).code).toBe(2);
  const nowhere = await runCli(['init', '--app', 'shop', '--out', join(folder, 'no', 'x.yaml')], {
    env,
  });
  expect(nowhere).toMatchObject({ stdout: '', code: 2 });
  expect(nowhere.stderr).toContain('Make the folder first');
});

test('tables that need no capture, or can’t have it, are told with their reasons', async () => {
  const database = await world.database();
  const root = await database.superuser();
  await root.query(`
    create table alembic_version (version_num text);
    create table users_history (id bigint, operation text, changed_at timestamptz);
    create table prices (id int primary key);
    create table prices_history (id int primary key, price int);
    create table rates (id int primary key);
    create table rates_changes (id int primary key);
    create table of_extension (id int primary key);
    create table ${'t'.repeat(43)} (id int primary key);
    create table "line
break" (id int primary key);
    create table "pwd=hunter2" (id int primary key);
    create table readings (id int, at date) partition by range (at);
    create table readings_2026 partition of readings for values from ('2026-01-01') to ('2027-01-01');
    do $$ declare name text; begin
      for name in select format('%I', relname) from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') loop
        execute 'alter table public.' || name || ' owner to raxx_owner';
      end loop;
    end $$;
    create table another (id int primary key);
    create extension file_fdw;
    create server files foreign data wrapper file_fdw;
    create foreign table far (line text) server files options (filename '/dev/null');
    alter extension plpgsql add table of_extension;
  `);
  const proposal = await proposalOf(database);
  const why = new Map(proposal.leftOut.map((left) => [left.name, left.why]));
  expect(proposal.tables.map(({ name }) => name)).toEqual([
    'passkeys',
    'positions',
    'prices_history',
    'rates_changes',
    'readings',
    'sessions',
    'subscriptions',
    'trades',
    'users',
  ]);
  expect(why.get('alembic_version')).toContain('Alembic');
  expect(why.get('users_history')).toBe('is the history of users');
  expect(why.get('prices')).toContain('prices_history, which is a table of the application');
  expect(why.get('rates')).toContain('rates_changes, which is a table of the application');
  expect(why.get('of_extension')).toContain('extension plpgsql');
  expect(why.get('t'.repeat(43))).toContain('at most 42 bytes');
  expect(why.get('line\nbreak')).toContain('control character');
  expect(why.get('pwd=hunter2')).toContain('looks like a secret');
  expect(why.get('another')).toContain('owned by postgres, not by raxx_owner');
  expect(why.get('far')).toContain('foreign table');
  expect(why.size).toBe(10);
  expect(proposal.findings).toContainEqual(
    expect.objectContaining({ code: 'init.no-key', about: ['readings'] }),
  );
  const { stdout } = await init(owner(database));
  expect(stdout).toContain('  alembic_version is where Alembic notes');
  expect(await readFile(out, 'utf8')).not.toContain('hunter2');
});

test('names that YAML, SQL or a terminal would misread come back as the catalogue has them', async () => {
  const database = await world.database();
  const client = await database.connect('raxx_owner');
  const tables = ['null', '- a: "b" #', "it's", 'Größe', '\u202etxt.exe', 'a.b', '<<', 'true'];
  const columns = ['e\nmail', 'email: "x" #', 'EMAIL\u202e', '"email"'];
  const quoted = (name: string) => client.escapeIdentifier(name);
  for (const table of tables) {
    await client.query(
      `create table ${quoted(table)} (${columns.map((column) => `${quoted(column)} text`).join()})`,
    );
  }
  expect((await init(owner(database))).code).toBe(0);
  const parsed = parseConfig(await readFile(out, 'utf8'), out);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const written = new Map(
    parsed.config.apps[0]?.database.tables.map((table) => [table.name, table]),
  );
  for (const table of tables) {
    expect(written.get(table)?.personal).toEqual(columns);
  }
  const checked = await runCli(['config', 'check', '--connect', '--config', out], {
    env: owner(database),
  });
  expect(checked).toMatchObject({ stderr: '', code: 0 });
});

test('columns are proposed by what domains, arrays and enums really are', async () => {
  const database = await world.database();
  const client = await database.connect('raxx_owner');
  await client.query(`
    create domain secret_text as text; create domain secret_list as secret_text[];
    create type email_kind as enum ('home', 'work');
    create table things (
      id uuid primary key, api_key secret_text, recovery_codes secret_list, backup_emails text[],
      email email_kind, token_count int, login_ip cidr, device_id uuid, user_id bigint references users
    )`);
  expect(columnsOf(await proposalOf(database), 'things')).toEqual([
    'exclude api_key',
    'exclude recovery_codes',
    'personal backup_emails',
    'mask device_id',
  ]);
});

test('a table is proposed as append-only only where nobody changes it now', async () => {
  const database = await world.database();
  const client = await database.connect('raxx_owner');
  await client.query(`
    create table sign_in_events (id int primary key);
    create table editable_events (id int primary key);
    create table cascading_events (id int primary key, user_id bigint references users on delete cascade);
    create table changed_log (id int primary key);
    create table private_log (id int primary key);
    create table catalogues (id int primary key);
    grant insert on sign_in_events, editable_events, cascading_events, changed_log, catalogues to raptor_app;
    grant update (id) on editable_events to raptor_app;
    insert into changed_log values (1);
    update changed_log set id = 2;
  `);
  // The counters are told to the server when the session ends, at the latest.
  await client.end();
  const counters = await database.superuser();
  while (
    (
      await counters.query(
        "select from pg_stat_user_tables where relname = 'changed_log' and n_tup_upd = 1",
      )
    ).rowCount === 0
  ) {
    await sleep(20);
  }
  const { appendOnly, tables } = await proposalOf(database);
  expect(appendOnly.map(({ name }) => name)).toEqual(['customer_audit_events', 'sign_in_events']);
  expect(tables.find(({ name }) => name === 'private_log')?.note).toContain(
    'if it only ever grows, name it in append_only',
  );
  expect(tables.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['editable_events', 'cascading_events', 'changed_log', 'catalogues']),
  );
});

test('more tables than a configuration can hold are proposed as data, and no file is written', async () => {
  const database = await world.emptyDatabase();
  const client = await database.connect('raxx_owner');
  await client.query(`do $$ begin for n in 1..150 loop
    execute format('create table %s_%s (%s text)', repeat('t', 37), n,
      (select string_agg(format('email_%s_%s', repeat('e', 50), c), ' text, ') from generate_series(1, 40) c));
  end loop; end $$`);
  const { stdout, stderr, code } = await init(owner(database));
  expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
  expect(stderr).toContain('all 150 tables of the schema public');
  expect(await readdir(folder)).toEqual([]);
  const proposal = await proposalOf(database);
  expect(proposal.tables).toHaveLength(150);
  expect(proposal).toMatchObject({ yaml: null });
});

test('another schema is named in the file, and nothing of the database is changed by looking', async () => {
  const database = await world.database();
  const client = await database.connect('raxx_owner');
  await client.query('create schema "My Schema"; create table "My Schema".t (id int primary key)');
  const { rows: before } = await client.query('select pg_current_snapshot()::text');
  expect((await init(owner(database), '--schema', 'My Schema')).code).toBe(0);
  expect((await client.query('select pg_current_snapshot()::text')).rows).toEqual(before);
  const parsed = parseConfig(await readFile(out, 'utf8'), out);
  expect(parsed.ok && parsed.config.apps[0]?.database.tables).toEqual([
    { schema: 'My Schema', name: 't' },
  ]);
});

test('what init can’t do is told in a sentence with a fix, and no secret', async () => {
  const database = await world.database();
  const env = owner(database);
  const url = env.SHOP_OWNER_URL;
  const told = async (given: Readonly<Record<string, string>>, ...args: string[]) => {
    const { stdout, stderr, code } = await init(given, ...args);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/fix .{10}/);
    expect(stderr).not.toContain(encodeURIComponent(password));
    return `${code} ${stderr}`;
  };
  expect(await told({})).toMatch(/^2 .*SHOP_OWNER_URL is not set/);
  expect(await told(env, '--owner-url-env', url)).toMatch(/^2 .*not the URL itself/);
  expect(await told({ SHOP_OWNER_URL: 'x' })).toMatch(/^2 .*not a Postgres URL/);
  expect(await told({ SHOP_OWNER_URL: url.replace(/:\d+\//, ':1/') })).toMatch(
    /^3 .*nothing listens there/,
  );
  expect(await told(env, '--schema', 'publik')).toMatch(/^2 .*has no schema "publik"(.|\n)*public/);
  expect(await told(env, '--schema', '')).toMatch(/^2 .*schema is empty/);
  const bad = await runCli(['init', '--app', 'My Shop', '--out', out], { env });
  expect(bad.code).toBe(2);
  expect(bad.stderr).toContain('The name of an app must be lower-case');

  const empty = await world.emptyDatabase();
  const client = await empty.connect('raxx_owner');
  expect(await told(owner(empty))).toMatch(/^2 .*has no tables\.(.|\n)*Create the tables first/);
  await client.query('create table schema_migrations (version text); create schema billing');
  await client.query('create table billing.invoices (id int)');
  expect(await told(owner(empty))).toMatch(
    /^2 .*no table whose changes could be kept:\n.*schema_migrations is where Rails(.|\n)*--schema: billing/,
  );
  expect(await readdir(folder)).toEqual([]);
});

const postgres15 = inject('postgres15');
describe.skipIf(!postgres15)('on Postgres 15', () => {
  test('the catalogue is read as well, and gives the same proposals', async () => {
    const older = await startCaptureWorld(postgres15);
    try {
      const [here, there] = [await world.database(), await older.database()];
      const strip = ({ tables, appendOnly, roles, leftOut, findings }: Proposal) => ({
        ...{ tables, appendOnly, roles, leftOut, findings },
      });
      expect(strip(await proposalOf(there))).toEqual(strip(await proposalOf(here)));
    } finally {
      await older.stop();
    }
  });
});
