import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type CaptureWorld,
  startCaptureWorld,
  type TestDatabase,
} from '../../../test/rig/capture-world.ts';
import { runCli } from '../../../test/rig/run-cli.ts';

const config = fileURLToPath(new URL('../../../examples/raxx/pgwitness.yaml', import.meta.url));
const prod = ['--config', config, '--app', 'raxx-api-prod'];

let world: CaptureWorld;
beforeAll(async () => {
  world = await startCaptureWorld();
});
afterAll(() => world.stop());

function pgwitness(database: TestDatabase, args: string[], given: { signal?: AbortSignal } = {}) {
  const { user, password } = world.server.superuser;
  const env = {
    RAXX_PROD_OWNER_URL: database.url('raxx_owner'),
    RAXX_PROD_SUPERUSER_URL: world.server.url(user, password, database.name),
  };
  return runCli([...args, ...prod], { env, ...given });
}

async function filled() {
  const database = await world.database();
  const owner = await database.connect('raxx_owner');
  await owner.query(
    `insert into users (email) select n || '@example.org' from generate_series(1, 300) n`,
  );
  return { database, owner };
}

test('install reads what was there already, and says since when the trail holds', async () => {
  const { database, owner } = await filled();
  const installed = await pgwitness(database, ['install']);
  expect(installed).toMatchObject({ code: 0, stderr: '' });
  expect(installed.stdout).toMatch(
    /\ninstalled in .*\n.*taken {5}baseline {4}public\.users: 300 rows in [0-9.]+ s, trail since 20/s,
  );
  await owner.query(`update users set email = 'new@example.org' where id = 7`);
  const { rows } = await owner.query(`select before ->> 'email' as before from users_changes`);
  expect(rows).toEqual([{ before: '7@example.org' }]);
  const again = await pgwitness(database, ['install']);
  expect(again.stdout).toMatch(/nothing to do: capture stands in the database [a-z0-9_]+\n$/);
  const check = await pgwitness(database, ['baseline', '--check']);
  expect(check.code).toBe(0);
  expect(check.stdout).toMatch(/^holds {6}public\.users, trail since 20.*\n/);
  expect(check.stdout.trim().split('\n')).toHaveLength(6);
  const none = await pgwitness(database, ['baseline', '--yes']);
  expect(none).toMatchObject({ code: 0, stdout: 'nothing to do: see --check\n' });
});

test('install --no-baseline leaves it for later, and --check is a finding until it is taken', async () => {
  const { database, owner } = await filled();
  const check = () => pgwitness(database, ['baseline', '--check', '--table', 'users', '--json']);
  const off = await check();
  expect(off.code).toBe(1);
  expect(JSON.parse(off.stdout)).toMatchObject({
    tables: [{ state: 'off', notes: ['it is not captured yet'], since: null }],
  });
  await pgwitness(database, ['install', '--no-baseline']);
  const unfinished = await check();
  expect(unfinished.code).toBe(1);
  expect(JSON.parse(unfinished.stdout)).toMatchObject({
    tables: [{ table: 'public.users', state: 'unfinished', due: 'resume', percent: 0 }],
  });
  const dry = await pgwitness(database, ['baseline', '--dry-run', '--table', 'users']);
  expect(dry).toMatchObject({ code: 0, stderr: '' });
  expect(dry.stdout).toMatch(
    /^unfinished public\.users, trail since .*, 0 % read, to read: .* kB\n$/,
  );
  const refused = await pgwitness(database, ['baseline', '--table', 'users']);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain('--yes');
  const { rows } = await owner.query('select count(*)::int as n from users_history');
  expect(rows).toEqual([{ n: 0 }]);

  const taken = await pgwitness(database, ['baseline', '--yes', '--table', 'users', '--json']);
  expect(taken.code).toBe(0);
  expect(JSON.parse(taken.stdout)).toMatchObject({
    tables: [{ name: 'users', outcome: 'taken', rows: 300 }],
  });
  expect((await check()).code).toBe(0);
  const rest = await pgwitness(database, ['install', '--json']);
  expect(JSON.parse(rest.stdout).baselines).toHaveLength(5);
  await owner.query('vacuum full users');
  const rewritten = await pgwitness(database, ['baseline', '--check']);
  expect(rewritten.code).toBe(1);
  expect(rewritten.stdout).toMatch(/^needed {5}public\.users, .*\n {11}it was written anew since/);
  const told = await pgwitness(database, ['install']);
  expect(told.stdout).toContain('note: public.users: it was written anew since');
});

test('what is stopped says so, and exits 1', async () => {
  const { database } = await filled();
  const stop = new AbortController();
  await pgwitness(database, ['install', '--no-baseline']);
  stop.abort();
  const stopped = await pgwitness(database, ['baseline', '--yes'], { signal: stop.signal });
  expect(stopped.code).toBe(1);
  expect(stopped.stdout).toMatch(/^stopped {3}baseline {4}public\.users: stopped after 0 rows/);
});

test('a table that is none, and a pause that is none, are usage errors', async () => {
  const database = await world.installedDatabase();
  expect(await pgwitness(database, ['baseline', '--check', '--table', 'user'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Did you mean users?'),
  });
  // Before anybody is asked, or told that there is nobody to ask.
  expect(await pgwitness(database, ['baseline', '--table', 'user'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Did you mean users?'),
  });
  expect(await pgwitness(database, ['baseline', '--yes', '--pause', '1s'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('whole milliseconds'),
  });
});
