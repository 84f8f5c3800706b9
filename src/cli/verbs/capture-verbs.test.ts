import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, type StricliProcess } from '@stricli/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type CaptureWorld,
  raxxTarget,
  startCaptureWorld,
  type TestDatabase,
} from '../../../test/rig/capture-world.ts';
import { parseConfig } from '../../config/read-config.ts';
import { startEmbeddedPostgres } from '../../demo/embedded-postgres.ts';
import { createApp } from '../app.ts';

const examples = fileURLToPath(new URL('../../../examples/raxx/', import.meta.url));
const config = join(examples, 'pgwitness.yaml');
const prod = ['--config', config, '--app', 'raxx-api-prod'];

let world: CaptureWorld;
let folder: string;
beforeAll(async () => {
  world = await startCaptureWorld();
  folder = await mkdtemp(join(tmpdir(), 'pgwitness-verbs-'));
});
afterAll(async () => {
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What a command line prints and how it ends. */
async function pgwitness(
  env: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const into = (write: (text: string) => void) => ({
    write: (text: string) => write(text),
    getColorDepth: () => 1,
  });
  const given = {
    stdout: into((text) => {
      out += text;
    }),
    stderr: into((text) => {
      err += text;
    }),
    env,
    exitCode: undefined as number | undefined,
  };
  await run(createApp(args), args, {
    process: given as unknown as StricliProcess,
    env,
    cwd: folder,
    signal: new AbortController().signal,
    terminal: false,
    now: Date.now,
  });
  const code = given.exitCode ?? 0;
  return { code: code < 0 ? 2 : code, out, err };
}

const owner = (database: TestDatabase) => ({ RAXX_PROD_OWNER_URL: database.url('raxx_owner') });
const withSuperuser = (database: TestDatabase) => ({
  ...owner(database),
  RAXX_PROD_SUPERUSER_URL: world.server.url(
    'postgres',
    world.server.superuser.password,
    database.name,
  ),
});

test('the example’s configuration is what the tests of capture install', async () => {
  const parsed = parseConfig(await readFile(config, 'utf8'), config);
  if (!parsed.ok) throw new Error('the example has problems');
  const { owner: role, tables, appendOnly, roles } = parsed.config.apps[0]?.database ?? {};
  expect({ owner: role, tables, appendOnly, roles }).toEqual(raxxTarget);
});

test('plan, install and uninstall run the whole way, and say when there is nothing to do', async () => {
  const env = withSuperuser(await world.database());
  const planned = await pgwitness(env, 'plan', ...prod);
  expect(planned).toMatchObject({ code: 0, err: '' });
  expect(planned.out).toContain('-- create    history     public.users_history\n');
  const installed = await pgwitness(env, 'install', ...prod);
  expect(installed).toMatchObject({ code: 0, err: '' });
  expect(installed.out).toMatch(
    /installed in the database raxx_\d+: \d+ objects made or put right\n(taken +baseline .*\n){6}$/,
  );
  expect((await pgwitness(env, 'install', ...prod)).out).toMatch(/^nothing to do/m);
  expect((await pgwitness(env, 'plan', ...prod)).out).toMatch(/-- Nothing to do\.\n$/);
  const removed = await pgwitness(env, 'uninstall', ...prod);
  expect(removed).toMatchObject({ code: 0, err: '' });
  expect(removed.out).toContain('keep     history     public.users_history\n');
  expect((await pgwitness(env, 'uninstall', ...prod)).out).toMatch(/nothing to do\n$/);
});

test('prints the example’s Alembic revision', async () => {
  const env = owner(await world.database());
  const ids = ['--format', 'alembic', '--revision', '0051', '--down-revision', '0050'];
  const { code, out } = await pgwitness(env, 'plan', ...prod, ...ids);
  expect(code).toBe(0);
  expect(out).toBe(await readFile(join(examples, '0051_pgaudit_equivalent_dml_audit.py'), 'utf8'));
  for (const flag of ['--json', '--check']) {
    const both = await pgwitness(env, 'plan', ...prod, ...ids, flag);
    expect(both).toMatchObject({ code: 2, out: '' });
    expect(both.err).toContain(`${flag} and --format alembic exclude each other.`);
    expect(both.err).toContain('cli.usage');
  }
  const without = await pgwitness(env, 'plan', ...prod, '--format', 'alembic');
  expect(without).toMatchObject({ code: 2, out: '' });
  expect(without.err).toContain('An Alembic revision needs an id.');
  const unsafe = await pgwitness(env, 'plan', ...prod, ...ids.slice(0, 3), '"; import os #');
  expect(unsafe).toMatchObject({ code: 2, out: '' });
});

test('prints JSON for programs, with exit 1 where a setting is left to someone else', async () => {
  const env = owner(await world.database());
  const { code, out } = await pgwitness(env, 'install', ...prod, '--json');
  const printed = JSON.parse(out);
  expect(code).toBe(1);
  expect(printed.outcome).toBe('installed');
  const blocked = printed.objects.filter(
    (object: { action: string }) => object.action === 'blocked',
  );
  expect(blocked.map((object: { fix: string }) => object.fix)).toEqual([
    expect.stringContaining(`alter role "raxx_owner" set log_statement to 'ddl';`),
    expect.stringContaining(`alter role "raptor_app" set log_statement to 'mod';`),
    expect.stringContaining(`alter role "audit_archiver" set log_statement to 'mod';`),
  ]);
  const plan = JSON.parse((await pgwitness(env, 'plan', ...prod, '--json')).out);
  expect(plan).toMatchObject({
    sql: [],
    settingSql: [/ddl/, /mod/, /mod/].map((value) => expect.stringMatching(value)),
  });
});

test('plan --check tells what is not as it has to be, by its exit code too', async () => {
  const database = await world.database();
  const env = withSuperuser(database);
  const check = () => pgwitness(env, 'plan', ...prod, '--check');
  expect(await check()).toMatchObject({ code: 1 });
  await pgwitness(env, 'install', ...prod);
  const fine = await check();
  expect(fine).toMatchObject({ code: 0, err: '' });
  expect(fine.out).toMatch(/^capture in the database raxx_\d+ is as it has to be\n$/);
  const client = await database.connect('raxx_owner');
  await client.query('alter table users disable trigger trg_users_history');
  expect(await check()).toEqual({
    code: 1,
    out:
      'change    function    public.fn_capture_users_history(): it has to keep both images of each UPDATE until a baseline is complete\n' +
      'change    trigger     trg_users_history on public.users: it is disabled\n' +
      'change    record      baseline of public.users: capture was off, and rows may have changed meanwhile\n' +
      'change    record      public.users in pgwitness.captured_table\n',
    err: '',
  });
  const json = await pgwitness(env, 'plan', ...prod, '--check', '--json');
  expect(json.code).toBe(1);
  expect(JSON.parse(json.out).objects).toEqual(
    [
      'public.fn_capture_users_history()',
      'trg_users_history on public.users',
      'baseline of public.users',
      'public.users in pgwitness.captured_table',
    ].map((name) => expect.objectContaining({ name, action: 'change' })),
  );
  const mended = await pgwitness(env, 'install', ...prod);
  expect(mended.out).toMatch(/: \d objects made or put right\n/);
  await client.query('drop table trades cascade');
  expect(await check()).toMatchObject({
    code: 2,
    out: expect.stringContaining('refuse    table       public.trades: there is no such table'),
  });
  expect(await pgwitness(env, 'plan', ...prod)).toMatchObject({ code: 2 });
});

test('takes no superuser’s connection to another server', async () => {
  const database = await world.database();
  const other = await startEmbeddedPostgres({ settings: { fsync: 'off' } });
  try {
    const { user, password } = other.superuser;
    const env = { ...owner(database), RAXX_PROD_SUPERUSER_URL: other.url(user, password) };
    for (const verb of ['plan', 'install', 'uninstall']) {
      const { code, err } = await pgwitness(env, verb, ...prod);
      expect([verb, code]).toEqual([verb, 2]);
      expect(err).toContain('RAXX_PROD_SUPERUSER_URL leads to another server');
      expect(err).toContain('capture.other-server');
    }
  } finally {
    await other.stop();
  }
});

test('tells of an application that logs in as the owner', async () => {
  const database = await world.database();
  const env = withSuperuser(database);
  const told = /raxx_owner is both the owner and a role of the application/;
  const asOwner = { ...env, RAXX_PROD_APP_URL: database.url('raxx_owner') };
  expect((await pgwitness(asOwner, 'plan', ...prod)).out).toMatch(told);
  const asItself = { ...env, RAXX_PROD_APP_URL: database.url('raptor_app') };
  expect((await pgwitness(asItself, 'plan', ...prod)).out).not.toMatch(told);
});

test('names what the database lacks with its line in the file, with exit 2, and installs nothing', async () => {
  const database = await world.database();
  const text = await readFile(config, 'utf8');
  const file = join(folder, 'pgwitness.yaml');
  await writeFile(
    file,
    text
      .replace('        - trades\n', '        - orders\n')
      .replace('raptor_audit_compliance:', 'nobody_here:'),
  );
  const line = (word: string) =>
    `pgwitness.yaml:${text.split('\n').findIndex((candidate) => candidate.includes(word)) + 1}:`;
  const args = ['--config', file, '--app', 'raxx-api-prod'];
  const { code, err } = await pgwitness(owner(database), 'install', ...args);
  expect(code).toBe(2);
  expect(err).toContain('2 things stand in the way, and nothing was changed');
  expect(err).toMatch(
    new RegExp(`${line('        - trades')}\\d+ table public.orders: there is no such`),
  );
  expect(err).toMatch(
    new RegExp(`${line('raptor_audit_compliance:')}\\d+ role nobody_here: there is no`),
  );
  const client = await database.connect('raxx_owner');
  const { rows } = await client.query(`select 1 from pg_namespace where nspname = 'pgwitness'`);
  expect(rows).toEqual([]);
});

test('ends with exit 3 and no password where the database lets nobody in', async () => {
  const database = await world.database();
  const secret = 'never-printed-1';
  for (const verb of ['plan', 'install', 'uninstall']) {
    const url = world.server.url('raxx_owner', secret, database.name);
    const { code, out, err } = await pgwitness({ RAXX_PROD_OWNER_URL: url }, verb, ...prod);
    expect([code, out]).toEqual([3, '']);
    expect(err).toContain('the server refuses this user and password');
    expect(err).not.toContain(secret);
  }
  expect(await pgwitness({}, 'plan', ...prod)).toMatchObject({ code: 2 });
});

test('drops history only when told twice, with the right name', async () => {
  const database = await world.database();
  const env = withSuperuser(database);
  await pgwitness(env, 'install', ...prod);
  for (const flags of [
    ['--drop-history'],
    ['--yes-drop-history', 'raxx-api-prod'],
    ['--drop-history', '--yes-drop-history', 'raxx-api-staging'],
  ]) {
    const refused = await pgwitness(env, 'uninstall', ...prod, ...flags);
    expect(refused).toMatchObject({ code: 2, out: '' });
    expect(refused.err).toContain('nothing was changed');
  }
  const twice = ['--drop-history', '--yes-drop-history', 'raxx-api-prod'];
  const dropped = await pgwitness(env, 'uninstall', ...prod, ...twice);
  expect(dropped.code).toBe(0);
  expect(dropped.out).toContain('drop     history     public.users_history\n');
});
