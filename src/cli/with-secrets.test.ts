import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../../test/rig/run-cli.ts';
import { openArchive, openSink } from './open-archive.ts';
import { drainsOf, redactorsOf } from './receiver-drains.ts';
import { withSecrets } from './with-secrets.ts';

let folder: string;
let config: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgwitness-with-secrets-'));
  config = join(folder, 'pgwitness.yaml');
  file = join(folder, 'secrets');
  await writeFile(
    config,
    `version: 1
archive: { folder: archive }
secrets: { file: secrets }
receiver: { url: "https://logs.example.com/" }
apps:
  shop:
    drain: { secret_env: DRAIN }
    redact: { key_env: KEY }
    ship: { log_directory: log, state: state.json, drain_url_env: DRAIN_URL }
    database: { owner_url_env: OWNER, app_url_env: APP, owner: o, tables: [users] }
    smoke:
      event: { table: users, row: { id: '{nonce}' } }
      trigger: { table: users, row: { id: '{nonce}' } }
`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the file of secrets', () => {
  test('stands where the environment lacks a variable or has it empty, and goes behind it', async () => {
    await writeFile(file, 'A=file\nB=file\nC=file\n', { mode: 0o600 });
    const { env } = await withSecrets({ env: { A: 'set', B: ' ', D: '' } }, { secretsFile: file });
    expect(env).toEqual({ A: 'set', B: 'file', C: 'file', D: '' });
    const cli = { env: { A: 'set' } };
    expect(await withSecrets(cli, {})).toBe(cli);
    expect(await withSecrets(cli, { secretsFile: `${file}.none` })).toEqual(cli);
  });

  test.each([
    [['plan']],
    [['install']],
    [['uninstall']],
    [['baseline', '--check']],
    [['coverage']],
    [['pseudonymize', 'users', '--key', '1', '--dry-run']],
    [['config', 'check', '--connect']],
    [['receive', '--port', '0']],
    [['ship', '--once']],
    [['smoke']],
    [['trail', '--grep', 'x']],
    [['redact', 'token', 'x']],
    [['secret', 'url']],
  ])('is looked into by %j', async (args) => {
    await writeFile(file, 'A=1\n', { mode: 0o600 });
    await chmod(file, 0o644);
    const run = await runCli([...args, '--config', config]);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain('config.secrets-readable-by-others');
    expect(run.stderr).toContain('chmod 600');
  });
});

describe('an endpoint that the environment names', () => {
  const archive = { kind: 's3', bucket: 'logs', region: 'us-east-1', encryption: 'none' } as const;
  const open = (env: Record<string, string>, more = {}) =>
    openSink({ archive: { ...archive, ...more } }, { env: { ...keys, ...env } });
  const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'hunter3' };

  test.each([
    [
      { AWS_ENDPOINT_URL_S3: 'https://key:hunter2@s3.example.com' },
      'AWS_ENDPOINT_URL_S3 has a user',
    ],
    [{ AWS_ENDPOINT_URL: 'http://s3.example.com' }, 'AWS_ENDPOINT_URL is http'],
    [{ AWS_ENDPOINT_URL_S3: 's3.example.com' }, 'AWS_ENDPOINT_URL_S3 is no web address'],
    [{ AWS_ENDPOINT_URL_S3: 'https://s3.example.com/x' }, 'AWS_ENDPOINT_URL_S3 has a path'],
  ])('%j is refused, and not quoted', async (env, told) => {
    const error: Error = await open(env).then(
      () => new Error('it was opened'),
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({ code: 'cli.bad-endpoint', exit: 2 });
    expect(error.message).toContain(told);
    expect(error.message).not.toContain('example.com');
    await expect(openArchive({ archive }, { env })).rejects.toMatchObject({
      code: 'cli.bad-endpoint',
    });
  });

  test('is where objects go, unless the file names another', async () => {
    const env = { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9/' };
    const opened = await open(env);
    expect(opened.description).toBe('s3://logs at http://127.0.0.1:9');
    const named = await open(env, { endpoint: 'https://s3.example.com' });
    expect(named.description).toBe('s3://logs at https://s3.example.com');
    const meant = await open({ AWS_ENDPOINT_URL: 'http://minio:9000' }, { allowHttp: true });
    expect(meant.description).toBe('s3://logs at http://minio:9000');
    for (const sink of [opened, named, meant]) sink.close();
  });
});

test.each([
  ['half a key', {}, { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE' }, 'Set both'],
  ['a profile that is none', { writerProfile: 'pgwitness-nobody' }, {}, 'get-caller-identity'],
])('a receiver with %s ends at its start, and is told what to do', async (_, more, env, fix) => {
  const archive = { kind: 's3', bucket: 'logs', region: 'us-east-1', encryption: 'none' } as const;
  const opened = openSink({ archive: { ...archive, ...more } }, { env });
  await expect(opened).rejects.toMatchObject({
    code: 'sink.s3-credentials',
    exit: 2,
    fix: expect.stringContaining(fix),
  });
});

describe('the drains of a receiver', () => {
  const database = {
    ownerUrlEnv: 'O',
    owner: 'o',
    witness: true,
    tables: [],
    appendOnly: [],
    roles: [],
  };
  const described = {
    path: 'f',
    archive: { kind: 'folder', folder: 'a' },
    receiver: { host: 'h', port: 1 },
    spaces: [
      {
        name: 'shield',
        prefix: 'sh',
        drain: { user: 'space', secretEnv: 'S', oldSecretEnv: 'S_OLD', tokens: [] },
        redactKeyEnv: 'K',
      },
    ],
    apps: [
      {
        name: 'shop',
        prefix: 'shop',
        drain: { user: 'shop', secretEnv: 'A', oldSecretEnv: 'A_OLD', tokens: ['d.1'] },
        database,
      },
      { name: 'vault', prefix: 'sh', space: 'shield', redactKeyEnv: 'K', database },
    ],
  } as const;

  test('are those of apps and of spaces, each with both passwords during a rotation', () => {
    const env = { A: 'a', A_OLD: 'a-old', S: 's', S_OLD: ' ' };
    expect(drainsOf(described, env)).toEqual([
      { app: 'shop', prefix: 'shop', user: 'shop', secrets: ['a', 'a-old'], tokens: ['d.1'] },
      { app: 'shield', prefix: 'sh', user: 'space', secrets: ['s'], tokens: [] },
    ]);
    expect(drainsOf(described, { A: 'a', A_OLD: 'a', S: 's' })[0]?.secrets).toEqual(['a']);
  });

  test('are not opened without all of their passwords', () => {
    expect(() => drainsOf(described, { A_OLD: 'x' })).toThrow(
      expect.objectContaining({
        code: 'receive.no-secret',
        exit: 2,
        message: expect.stringContaining('A (drain of shop), S (drain of the space shield)'),
      }),
    );
  });

  test('redact below the space’s prefix, and nobody stores in clear for want of a key', async () => {
    await expect(redactorsOf(described, { K: ' ' })).rejects.toMatchObject({
      code: 'receive.no-redaction-key',
      message: expect.stringContaining('K (of the space shield)'),
    });
    await expect(redactorsOf(described, { K: 'short' })).rejects.toMatchObject({
      code: 'redact.weak-key',
    });
    const redactors = await redactorsOf(described, { K: 'k'.repeat(43) });
    expect([...redactors.keys()]).toEqual(['sh']);
  });
});
