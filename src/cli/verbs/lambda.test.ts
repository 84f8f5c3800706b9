import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildLambda, type LambdaZip } from '../../../scripts/build-lambda.mjs';
import { runCli } from '../../../test/rig/run-cli.ts';
import { readLambdaSecrets, readLambdaSettings } from '../../receive/lambda-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'pgwitness-lambda-verb-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const s3 = 'archive: { s3: { bucket: raxx-logs, region: eu-west-1, writer_profile: mine } }';

/** A pgwitness.yaml with this archive and these apps. */
function configOf(archive: string, apps: readonly string[], more = ''): string {
  const path = join(folder, 'pgwitness.yaml');
  writeFileSync(path, ['version: 1', archive, more, 'apps:', ...apps, ''].join('\n'));
  return path;
}
function app(name: string, drain: string, more = ''): string {
  const url = `OWNER_${name.toUpperCase().replaceAll('-', '_')}`;
  const database = `database: { owner_url_env: ${url}, owner: owner, tables: [users] }`;
  return `  ${name}: { ${[drain, more, database].filter((part) => part !== '').join(', ')} }`;
}
const shared = (token: string) =>
  `drain: { user: raxx, secret_env: RAXX_SECRET, old_secret_env: RAXX_OLD, tokens: [${token}] }`;

describe('pgwitness lambda config', () => {
  test('what it prints is what the function reads', async () => {
    const config = configOf(s3, [
      app('prod', shared('d.prod'), 'redact: { key_env: RAXX_KEY }'),
      app('staging', shared('d.staging')),
    ]);
    const run = await runCli(['lambda', 'config', '--config', config]);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const value = run.stdout.split('\n')[0]?.replace(/^PGWITNESS_RECEIVER=/, '') ?? '';
    const settings = readLambdaSettings({ PGWITNESS_RECEIVER: value }, folder);
    expect(settings).toMatchObject({ bucket: 'raxx-logs', region: 'eu-west-1' });
    expect(value).not.toContain('mine');
    const env = { RAXX_SECRET: 'new', RAXX_OLD: 'old', RAXX_KEY: 'key' };
    const { drains, redactKeys } = readLambdaSecrets(settings, env);
    expect(drains.map(({ prefix, tokens, secrets }) => ({ prefix, tokens, secrets }))).toEqual([
      { prefix: 'prod', tokens: ['d.prod'], secrets: ['new', 'old'] },
      { prefix: 'staging', tokens: ['d.staging'], secrets: ['new', 'old'] },
    ]);
    expect([...redactKeys]).toEqual([['prod', 'key']]);
    for (const told of [
      'RAXX_SECRET  the password of the drain of prod, staging',
      'RAXX_OLD     during a rotation, the password before it, of prod, staging',
      'RAXX_KEY     the redaction key of prod',
    ]) {
      expect(run.stdout).toContain(told);
    }
  });

  test('leaves a space out and says why', async () => {
    const space = 'spaces: { shield: { drain: { secret_env: SHIELD_SECRET } } }';
    const apps = [app('a', 'drain: { secret_env: A_SECRET }'), app('inside', 'space: shield')];
    const config = configOf(s3, apps, space);
    const run = await runCli(['lambda', 'config', '--config', config]);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/left out\n {2}space shield: its bodies of up to 5 MB do not fit/);
    expect(run.stdout).not.toMatch(/SHIELD_SECRET|inside/);
    const alone = configOf(s3, apps.slice(1), space);
    const refused = await runCli(['lambda', 'config', '--config', alone]);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cli.lambda-no-drains'),
    });
  });

  test('warns of an endpoint that only this machine reaches', async () => {
    const here = s3.replace('region', 'endpoint: "http://127.0.0.1:9000", region');
    const config = configOf(here, [app('a', 'drain: { secret_env: A_SECRET }')]);
    const run = await runCli(['lambda', 'config', '--config', config]);
    expect(run).toMatchObject({ code: 0, stderr: expect.stringContaining('is this machine') });
  });

  test('warns of more than the environment holds, and writes a file instead', async () => {
    const names = Array.from({ length: 30 }, (_, i) => `an-app-of-a-rather-long-name-${i}`);
    const apps = names.map((name) => app(name, 'drain: { secret_env: A_SECRET }'));
    const config = configOf(s3, apps);
    const long = await runCli(['lambda', 'config', '--config', config]);
    expect(long.stderr).toMatch(/warning The function's variables come to \d{4} bytes/);
    const out = join(folder, 'receiver.json');
    const short = await runCli(['lambda', 'config', '--config', config, '--out', out, '--json']);
    expect(short.stderr).toBe('');
    const { environment, bytes } = JSON.parse(short.stdout);
    expect(environment).toEqual({ PGWITNESS_RECEIVER: '@receiver.json' });
    expect(bytes).toBeLessThan(200);
    expect(readLambdaSettings(environment, folder).drains).toHaveLength(30);
  });

  test('refuses a folder, which no function has, and a file that would not be JSON', async () => {
    const apps = [app('a', 'drain: { secret_env: A_SECRET }')];
    const kept = configOf('archive: { folder: ./archive }', apps);
    const refused = await runCli(['lambda', 'config', '--config', kept]);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cli.lambda-needs-s3'),
    });
    const config = configOf(s3, apps);
    const slip = await runCli(['lambda', 'config', '--config', config, '--out', config]);
    expect(slip).toMatchObject({ code: 2, stderr: expect.stringContaining('cli.bad-out') });
    expect(readFileSync(config, 'utf8')).toContain('raxx-logs');
    const nowhere = join(folder, 'build', 'receiver.json');
    const lost = await runCli(['lambda', 'config', '--config', config, '--out', nowhere]);
    expect(lost.stderr).toContain('Its folder does not exist');
  });
});

describe('pgwitness lambda zip', () => {
  let zips: readonly [LambdaZip, LambdaZip];
  beforeAll(async () => {
    zips = await buildLambda();
  });

  test.each([
    ['without the grammar where nothing is redacted', '', 0],
    ['with it where an app redacts', 'redact: { key_env: A_KEY }', 1],
  ] as const)('writes the zip %s', async (_, redact, which) => {
    const config = configOf(s3, [app('a', 'drain: { secret_env: A_SECRET }', redact)]);
    const out = join(folder, 'receiver.zip');
    const run = await runCli(['lambda', 'zip', '--config', config, '--out', out, '--json']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const { sha256, bytes } = zips[which];
    expect(JSON.parse(run.stdout)).toEqual({ zip: out, redacts: which === 1, sha256, bytes });
    expect(readFileSync(out).length).toBe(bytes);
  });
});
