import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { runCli } from '../../../test/rig/run-cli.ts';
import { parseSecrets } from '../../config/secrets-text.ts';
import { createTokens } from '../../redact/token.ts';

let folder: string;
let config: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgwitness-secret-'));
  config = join(folder, 'pgwitness.yaml');
  file = join(folder, 'pgwitness.secrets');
  await writeFile(config, yaml());
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Two apps behind one drain, one in a space, one that ships its own log. */
function yaml(
  over: { readonly port?: number; readonly url?: string; readonly file?: string } = {},
) {
  const database = (name: string) =>
    `    database: { owner_url_env: ${name}_OWNER_URL, owner: o, tables: [users] }\n`;
  return `version: 1
archive: { folder: archive }
secrets: { file: ${over.file ?? 'pgwitness.secrets'} }
receiver: { port: ${over.port ?? 1}, ${over.url ?? 'url: "https://logs.example.com/in"'} }
spaces:
  shield:
    drain: { secret_env: SHIELD_SECRET, old_secret_env: SHIELD_OLD }
    redact: { key_env: SHIELD_KEY }
apps:
  prod:
    drain: { user: raxx, secret_env: RAXX_SECRET, old_secret_env: RAXX_OLD, tokens: [d.1] }
${database('PROD')}  staging:
    drain: { user: raxx, secret_env: RAXX_SECRET, old_secret_env: RAXX_OLD, tokens: [d.2] }
${database('STAGING')}  till:
    drain: { secret_env: TILL_SECRET }
    redact: { key_env: TILL_KEY }
    ship: { log_directory: log, state: state.json, drain_url_env: TILL_DRAIN_URL }
${database('TILL')}  vault:
    space: shield
${database('VAULT')}`;
}

function secret(args: readonly string[], given: Parameters<typeof runCli>[1] = {}) {
  return runCli(['secret', ...args, '--config', config], given);
}
async function held(): Promise<Record<string, string>> {
  const parsed = parseSecrets(await readFile(file, 'utf8'));
  if (!parsed.ok) throw new Error(parsed.why);
  return Object.fromEntries(parsed.secrets);
}

describe('pgwitness secret new', () => {
  test('makes a password, prints none of it, and says what to do with it', async () => {
    const run = await secret(['new', '--app', 'till']);
    const { TILL_SECRET: made = '' } = await held();
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(made).toHaveLength(43);
    expect(run.stdout).not.toContain(made);
    expect(run.stdout.split('\n')).toEqual([
      `new password for the drain of till: TILL_SECRET in ${file}`,
      '',
      'next',
      '  1. restart the receiver, which reads secrets when it starts',
      '     (on Lambda: set its variables)',
      `  2. heroku drains:add "$(pgwitness secret url --app till --config ${config})" --app till`,
      '  3. where `pgwitness ship` runs: write the new password into',
      '     TILL_DRAIN_URL and restart it',
      '',
    ]);
  });

  test('prints it where that is asked for', async () => {
    const run = await secret(['new', '--app', 'till', '--show']);
    expect(run.stdout).toContain(`\nTILL_SECRET='${(await held())['TILL_SECRET']}'\n`);
  });

  test('begins a rotation: both are valid, and the steps end with retiring the one before', async () => {
    await secret(['new', '--app', 'prod']);
    const first = await held();
    const run = await secret(['new', '--app', 'prod']);
    const second = await held();
    expect(second['RAXX_OLD']).toBe(first['RAXX_SECRET']);
    expect(run.stdout).toContain('new password for the drain of prod, staging: RAXX_SECRET in ');
    expect(run.stdout).toContain(
      'the one before is RAXX_OLD there: both are valid until it is retired',
    );
    const steps = run.stdout.slice(run.stdout.indexOf('next\n'));
    expect(steps.replaceAll(` --config ${config}`, '').split('\n').slice(3)).toEqual([
      '  2. heroku drains:add "$(pgwitness secret url --app prod)" --app prod',
      '     heroku drains:add "$(pgwitness secret url --app staging)" --app staging',
      '  3. pin the tokens of the new drains beside those in `drain.tokens`,',
      '     and restart the receiver:',
      '     heroku drains --app prod',
      '     heroku drains --app staging',
      '     until then their frames stand below logs/unclaimed-raxx/',
      '  4. heroku drains:remove "$(pgwitness secret url --old --app prod)" --app prod',
      '     heroku drains:remove "$(pgwitness secret url --old --app staging)" --app staging',
      '  5. pgwitness secret retire --app prod',
      '',
    ]);
    const again = await secret(['new', '--app', 'staging']);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('rotation-under-way') });
    expect(await held()).toEqual(second);
  });

  test('of a space replaces the URL of its one drain', async () => {
    const run = await secret(['new', '--space', 'shield']);
    expect(run.stdout).toContain('new password for the drain of the space shield: SHIELD_SECRET');
    expect(run.stdout).toContain('2. heroku drains:set "$(pgwitness secret url --space shield');
    const rotated = await secret(['new', '--space', 'shield']);
    expect(rotated.stdout).not.toContain('drains:remove');
    expect(rotated.stdout).toContain('3. pgwitness secret retire --space shield');
  });

  test('without the receiver’s URL the steps say what the drain URL is made of', async () => {
    await writeFile(config, yaml({ url: 'host: 127.0.0.1' }));
    const run = await secret(['new', '--app', 'till']);
    expect(run.stdout).toContain('heroku drains:add https://till:PASSWORD@HOST/ --app till');
  });

  test('--json gives a program all but the secret, and that with --show', async () => {
    const run = await secret(['new', '--app', 'prod', '--json']);
    expect(JSON.parse(run.stdout)).toMatchObject({
      variable: 'RAXX_SECRET',
      file,
      keptAs: null,
      sharedBy: ['prod', 'staging'],
    });
    expect(run.stdout).not.toContain((await held())['RAXX_SECRET']);
    const shown = await secret(['new', '--app', 'prod', '--json', '--show']);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      keptAs: 'RAXX_OLD',
      secret: (await held())['RAXX_SECRET'],
    });
  });

  test.each([
    [['--app', 'vault'], 'cli.app-in-space', '--space shield'],
    [['--space', 'shild'], 'cli.no-such-space', 'Its spaces are: shield'],
    [['--app', 'prod', '--space', 'shield'], 'cli.app-and-space', 'one of them'],
    [[], 'config.which-app', '--app'],
    [['--app', 'till', '--replace-key', 'TILL_KEY'], 'cli.secret-flags', '--for redaction'],
    [['--app', 'prod', '--for', 'redaction'], 'cli.no-redaction', 'redact'],
    [
      ['--app', 'till', '--for', 'redaction', '--replace-key', 'OTHER'],
      'cli.secret-flags',
      '--replace-key TILL_KEY',
    ],
  ])('%j is a usage error', async (args, code, fix) => {
    const run = await secret(['new', ...args]);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain(code);
    expect(run.stderr).toContain(fix);
  });

  test('needs a file to store it in', async () => {
    await writeFile(config, yaml().replace(/^secrets.*\n/m, ''));
    const run = await secret(['new', '--app', 'till']);
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining('cli.no-secrets-file') });
  });
});

describe('pgwitness secret new --for redaction', () => {
  const newKey = (args: readonly string[], given: Parameters<typeof runCli>[1] = {}) =>
    secret(['new', '--for', 'redaction', ...args], given);

  test('makes the key of an app, or of the space that an app is in', async () => {
    const run = await newKey(['--app', 'vault']);
    expect(run.stdout).toContain(`new redaction key for vault, shield: SHIELD_KEY in ${file}`);
    expect(run.stdout).not.toContain((await held())['SHIELD_KEY']);
    expect((await newKey(['--app', 'till'])).code).toBe(0);
    expect(Object.keys(await held())).toEqual(['SHIELD_KEY', 'TILL_KEY']);
  });

  test('replaces none without a clear yes', async () => {
    await newKey(['--app', 'till']);
    const before = await held();
    const refused = await newKey(['--app', 'till']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('config.key-in-use');
    for (const typed of ['n\n', '\n', '']) {
      const asked = await newKey(['--app', 'till'], { typed });
      expect(asked).toMatchObject({ code: 1, stdout: '' });
      expect(asked.stderr).toContain('finds nothing of what is stored up to now');
      expect(asked.stderr).toContain('nothing was changed');
    }
    expect(await held()).toEqual(before);
  });

  test.each([
    ['a yes', ['--app', 'till'], 'y\n'],
    ['its name', ['--app', 'till', '--replace-key', 'TILL_KEY'], undefined],
  ])('with %s keeps the one before', async (_, args, typed) => {
    await newKey(['--app', 'till']);
    const { TILL_KEY: before } = await held();
    const now = () => Date.UTC(2026, 5, 30);
    const run = await newKey(args, { now, ...(typed !== undefined && { typed }) });
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('the one before is TILL_KEY_UNTIL_20260630T000000 there');
    expect(run.stdout).toContain('trail --key-env TILL_KEY_UNTIL_20260630T000000 --grep');
    const token = (more: readonly string[]) =>
      runCli(['redact', 'token', 'ada', '--app', 'till', '--config', config, ...more]);
    const earlier = await token(['--key-env', 'TILL_KEY_UNTIL_20260630T000000']);
    expect(earlier.stdout).toMatch(/^pgw:[0-9a-f]{32}\n$/);
    expect(earlier.stdout).toBe(`${createTokens(before ?? '').token('ada')}\n`);
    expect((await token([])).stdout).not.toBe(earlier.stdout);
    expect((await held())['TILL_KEY_UNTIL_20260630T000000']).toBe(before);
    expect((await held())['TILL_KEY']).not.toBe(before);
  });
});

describe('pgwitness secret retire', () => {
  const rotate = async () => {
    await secret(['new', '--app', 'prod']);
    await secret(['new', '--app', 'prod']);
    return held();
  };

  test('has nothing to do where no rotation is under way', async () => {
    await secret(['new', '--app', 'prod']);
    expect(await secret(['retire', '--app', 'prod'])).toMatchObject({
      code: 0,
      stdout: 'nothing to retire: the drain of prod, staging has one password\n',
    });
    const json = await secret(['retire', '--app', 'prod', '--json']);
    expect(JSON.parse(json.stdout)).toEqual({ retired: null });
  });

  test('takes the old one away after a yes, and says that it can’t know when it was used', async () => {
    const { RAXX_SECRET } = await rotate();
    const refused = await secret(['retire', '--app', 'prod']);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cli.not-confirmed'),
    });
    const no = await secret(['retire', '--app', 'prod'], { typed: 'no\n' });
    expect(no).toMatchObject({ code: 1, stdout: '' });
    expect(no.stderr).toContain("When RAXX_OLD was last used can't be told");
    expect(await held()).toHaveProperty('RAXX_OLD');
    const yes = await secret(['retire', '--app', 'staging'], { typed: 'yes\n' });
    expect(yes).toMatchObject({ code: 0 });
    expect(yes.stdout).toContain('RAXX_OLD is taken out of');
    expect(await held()).toEqual({ RAXX_SECRET });
  });

  test.each([
    [
      'when it was last used',
      'pgwitness_old_secret_used_timestamp_seconds{user="raxx"} 1782820800.5\n',
      'RAXX_OLD was last used at 2026-06-30T12:00:00.500Z',
      { lastUsed: '2026-06-30T12:00:00.500Z' },
    ],
    [
      'that it was not used',
      'pgwitness_old_secret_used_timestamp_seconds{user="till"} 1782820800\nprocess_start_time_seconds 1782820000\n',
      'RAXX_OLD was not used since the receiver at 127.0.0.1:',
      { lastUsed: null },
    ],
  ])('tells %s, as the receiver knows it', async (_, metrics, told, json) => {
    const server = createServer((_request, response) =>
      response.end(`# TYPE pgwitness_old_secret_used_timestamp_seconds gauge\n${metrics}`),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    await writeFile(config, yaml({ port: (server.address() as AddressInfo).port }));
    await rotate();
    const run = await secret(['retire', '--app', 'prod', '--yes', '--json']);
    expect(run.stderr).toContain(told);
    expect(JSON.parse(run.stdout)).toEqual({ retired: 'RAXX_OLD', ...json });
  });
});

describe('pgwitness secret url', () => {
  test('puts user and password into the receiver’s URL', async () => {
    await writeFile(file, "RAXX_SECRET='a:b/c@d%e'\nRAXX_OLD=old\n", { mode: 0o600 });
    const run = await secret(['url', '--app', 'staging']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toBe('https://raxx:a%3Ab%2Fc%40d%25e@logs.example.com/in\n');
    const old = await secret(['url', '--app', 'staging', '--old']);
    expect(old.stdout).toBe('https://raxx:old@logs.example.com/in\n');
  });

  test('warns who prints it on a terminal', async () => {
    const env = { TILL_SECRET: 'x' };
    const run = await secret(['url', '--app', 'till'], { env, terminal: true });
    expect(run.stdout).toBe('https://till:x@logs.example.com/in\n');
    expect(run.stderr).toContain('the password stands in it');
  });

  test.each([
    [['--app', 'till'], {}, 'config.no-secret', ''],
    [['--app', 'till', '--old'], { TILL_SECRET: 'x' }, 'cli.no-old-secret', ''],
    [['--app', 'prod', '--old'], { RAXX_SECRET: 'x' }, 'cli.no-old-secret', ''],
    [['--app', 'till'], {}, '`pgwitness secret new` makes one', ''],
    [['--app', 'till'], { TILL_SECRET: 'x' }, 'cli.no-receiver-url', 'host: 127.0.0.1'],
  ])('%j with %j says what is missing', async (args, env, code, url) => {
    if (url !== '') await writeFile(config, yaml({ url }));
    const run = await secret(['url', ...args], { env });
    expect(run).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(code) });
  });
});
