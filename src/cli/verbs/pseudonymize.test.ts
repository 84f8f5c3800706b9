import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CaptureWorld, startCaptureWorld } from '../../../test/rig/capture-world.ts';
import { runCli } from '../../../test/rig/run-cli.ts';
import { canAsk, confirm } from '../confirm.ts';

let world: CaptureWorld;
let folder: string;
let app: pg.Client;
let env: Record<string, string>;
const config = (archiver: string) => `version: 1
archive: { folder: archive }
apps:
  raxx:
    drain: { secret_env: S }
    database:
      owner_url_env: OWNER
      ${archiver}
      owner: raxx_owner
      tables:
        - { table: users, personal: [email, display_name] }
        - { table: positions, personal: [symbol] }
        - trades
      append_only: [customer_audit_events]
      roles:
        audit_archiver: { history: [select, update] }
`;

beforeAll(async () => {
  world = await startCaptureWorld();
  folder = await mkdtemp(join(tmpdir(), 'pgwitness-pseudonymize-'));
  await writeFile(join(folder, 'own.yaml'), config('archiver_url_env: ARCHIVER'));
  await writeFile(join(folder, 'owner.yaml'), config(''));
  const database = await world.database();
  app = await database.connect('raxx_owner');
  env = { OWNER: database.url('raxx_owner'), ARCHIVER: database.url('audit_archiver') };
  const installed = await runCli(['install', '--config', join(folder, 'own.yaml')], { env });
  expect(installed).toMatchObject({ code: 0, stderr: expect.any(String) });
  await app.query(
    `insert into users (id, email, display_name) values (42, 'ann@example.org', 'Ann'), (43, 'bob@example.org', 'Bob');
     insert into positions (user_id, symbol, quantity) values (42, 'ACME', 1)`,
  );
});
afterAll(async () => {
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

const verb = (...args: string[]) =>
  runCli(['pseudonymize', ...args, '--config', join(folder, 'own.yaml')], { env });
const history = async () =>
  (await app.query('select string_agg(h::text, $1) as text from users_history h', ['\n'])).rows[0]
    .text;

test('shows what it would do, does it when told to, and says that the table is not touched', async () => {
  const dry = await verb('users', '--key', '42', '--dry-run');
  expect(dry).toMatchObject({ code: 0, stderr: '' });
  expect(dry.stdout).toMatch(
    /^public.users: 1 row of history under one key, 1 to change by audit_archiver\nemail +1 to replace\ndisplay_name +1 to replace\nnote: By history the row is still in public.users, which is not touched here/,
  );
  expect(await history()).toContain('ann@example.org');
  const done = await verb('users', '--key', 'id=42', '--yes');
  expect(done).toMatchObject({ code: 0, stderr: '' });
  expect(done.stdout).toContain('1 changed by audit_archiver\nemail         1 replaced\n');
  expect(await history()).not.toMatch(/ann@example.org|Ann/);
  expect(await history()).toContain('bob@example.org');
  const again = await verb('public.users', '--key', '42', '--yes', '--json');
  expect(JSON.parse(again.stdout)).toMatchObject({ dryRun: false, rows: 1, changed: 0 });
  expect((await app.query('select email from users where id = 42')).rows).toEqual([
    { email: 'ann@example.org' },
  ]);
  const composite = await verb('positions', '--key', '42,ACME', '--yes');
  expect(composite).toMatchObject({ code: 0 });
});

test('does nothing unasked, and says which table, key or subject it does not know', async () => {
  const cases: [string[], number, string][] = [
    [['users', '--key', '42'], 2, 'cli.not-confirmed'],
    [['user', '--key', '42', '--yes'], 2, 'Did you mean users?'],
    [['customer_audit_events', '--key', '42', '--yes'], 2, 'append-only'],
    [['trades', '--key', '42', '--yes'], 2, 'capture.no-personal-columns'],
    [['users', '--key', '42,7', '--yes'], 2, 'capture.bad-key'],
    [['positions', '--key', '42', '--yes'], 2, 'capture.bad-key'],
    [['users', '--key', '4711', '--yes'], 1, 'capture.unknown-subject'],
    [['users', '--yes'], 2, 'key'],
  ];
  for (const [args, code, told] of cases) {
    const run = await verb(...args);
    expect(run, args.join(' ')).toMatchObject({ code, stdout: '' });
    expect(run.stderr).toContain(told);
  }
});

test('logs in as the owner where no other login is named, and acts as the role that may', async () => {
  const asOwner = () =>
    runCli(
      ['pseudonymize', 'users', '--key', '43', '--yes', '--config', join(folder, 'owner.yaml')],
      { env },
    );
  const refused = await asOwner();
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toContain('`archiver_url_env`');
  const { superuser, url } = world.server;
  const database = new URL(env['OWNER'] ?? '').pathname.slice(1);
  const done = await runCli(
    ['pseudonymize', 'users', '--key', '43', '--yes', '--config', join(folder, 'owner.yaml')],
    { env: { OWNER: url(superuser.user, superuser.password, database) } },
  );
  expect(done).toMatchObject({ code: 0 });
  expect(done.stdout).toContain('by audit_archiver');
  expect(await history()).not.toContain('bob@example.org');
});

test('only a yes typed on a terminal is one', async () => {
  const answer = (typed: string | null, terminal = true) => {
    const stdin = Object.assign(new PassThrough(), { isTTY: terminal });
    const stderr = Object.assign(new PassThrough(), { isTTY: terminal });
    const cli = {
      process: { stdin, stderr } as unknown as Parameters<typeof canAsk>[0]['process'],
      signal: new AbortController().signal,
    };
    const asked = canAsk(cli) ? confirm(cli, 'Do it?') : Promise.resolve('nobody');
    if (typed === null) stdin.end();
    else stdin.write(`${typed}\n`);
    return asked;
  };
  for (const yes of ['y', 'Y', 'yes', ' YES ']) expect(await answer(yes)).toBe(true);
  for (const no of ['', 'n', 'yesterday', 'j', null]) expect(await answer(no)).toBe(false);
  expect(await answer('y', false)).toBe('nobody');
});
