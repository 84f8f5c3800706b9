import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CaptureWorld, startCaptureWorld } from '../../../test/rig/capture-world.ts';
import { runCli } from '../../../test/rig/run-cli.ts';
import { columnsOf, harmlessText } from '../harmless-text.ts';

const config = fileURLToPath(new URL('../../../examples/raxx/pgwitness.yaml', import.meta.url));
const args = ['coverage', '--config', config, '--app', 'raxx-api-prod'];

let world: CaptureWorld;
let folder: string;
let env: Record<string, string>;
let database: Awaited<ReturnType<CaptureWorld['database']>>;
beforeAll(async () => {
  world = await startCaptureWorld(undefined, { log_min_messages: 'warning' });
  folder = await mkdtemp(join(tmpdir(), 'pgwitness-coverage-'));
  database = await world.database();
  env = {
    RAXX_PROD_OWNER_URL: database.url('raxx_owner'),
    RAXX_PROD_APP_URL: database.url('raptor_app'),
  };
  // Not with log_statement, for which it would need a superuser.
  await runCli(['install', ...args.slice(1)], { env });
});
afterAll(async () => {
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

test('ends with 0 where nothing is lost, with 1 where something is, and tells both', async () => {
  const fine = await runCli(args, { env });
  expect(fine).toMatchObject({ code: 0 });
  expect(fine.stdout).toContain('· public.users\n  captured as installed ');
  expect(fine.stdout).toContain('Never captured: what is read (SELECT)');
  expect(fine.stdout).toContain('No gap: what is written to these tables is captured.');
  const owner = await database.connect('raxx_owner');
  await owner.query('alter table users disable trigger trg_users_history');
  const gap = await runCli(args, { env });
  expect(gap.code).toBe(1);
  expect(gap.stdout).toContain('✗ public.users\n');
  expect(gap.stdout).toContain('→ Run `pgwitness install`.\n         trigger.disabled\n');
  expect(gap.stdout).toMatch(/can’t be told exactly: 1 gap, \d+ notes\.\n$/);
  const json = await runCli([...args, '--json'], { env });
  expect(json.code).toBe(1);
  const printed = JSON.parse(json.stdout);
  expect(printed).toMatchObject({ ok: false, owner: 'raxx_owner' });
  expect(printed.tables[0]).toMatchObject({ name: 'public.users', state: 'on', level: 'gap' });
  expect(printed.gaps[0]).toEqual({
    id: 'trigger.disabled',
    level: 'gap',
    table: 'public.users',
    what: expect.stringContaining('trg_users_history on public.users is disabled'),
    todo: 'Run `pgwitness install`.',
  });
  await owner.query('alter table users enable trigger trg_users_history');
});

test('fits 80 columns, and a name in it does nothing to the terminal', async () => {
  const owner = await database.connect('raxx_owner');
  const name = `evil\u001b[2J\u202e ${'wide '.repeat(9)}`;
  await owner.query(`create table "${name}" (id int)`);
  try {
    const { stdout, code } = await runCli(args, { env });
    expect(code).toBe(1);
    expect(stdout).toContain('evil\\x1b[2J\\u{202e}');
    for (const line of stdout.split('\n')) {
      expect(harmlessText(line)).toBe(line);
      expect(columnsOf(line), line).toBeLessThanOrEqual(80);
    }
    const json = await runCli([...args, '--json'], { env });
    expect(json.stdout).not.toContain('\u001b');
    expect(
      JSON.parse(json.stdout).gaps.some((gap: { what: string }) => gap.what.includes(name)),
    ).toBe(true);
  } finally {
    await owner.query(`drop table "${name}"`);
  }
});

test('tells of columns that are kept as text only where all is asked for', async () => {
  const file = join(folder, 'pgwitness.yaml');
  const owner = await database.connect('raxx_owner');
  await owner.query('create table notes (id int primary key, body json)');
  const text = await readFile(config, 'utf8');
  await writeFile(
    file,
    text.replaceAll('        - trades\n', '        - trades\n        - notes\n'),
  );
  const named = ['--config', file, '--app', 'raxx-api-prod'];
  expect((await runCli(['install', ...named], { env })).stdout).toContain(
    'installed in the database',
  );
  expect((await runCli(['coverage', ...named], { env })).stdout).not.toContain('columns.as-text');
  const { stdout } = await runCli(['coverage', ...named, '--all'], { env });
  expect(stdout).toContain('body: kept as the text of the value');
});
