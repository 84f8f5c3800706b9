import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { PgwitnessError } from '../error.ts';
import { readLambdaSecrets, readLambdaSettings } from './lambda-settings.ts';

const drain = { app: 'a', prefix: 'a', user: 'a', secretEnv: 'A_SECRET', tokens: ['d.a'] };
const settings = { version: 1, bucket: 'logs', encryption: 'AES256', drains: [drain] };
const read = (json: unknown) =>
  readLambdaSettings({ PGWITNESS_RECEIVER: JSON.stringify(json) }, '/nowhere');

function failure(act: () => unknown): PgwitnessError {
  try {
    act();
  } catch (error) {
    if (error instanceof PgwitnessError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

test('settings are read from the variable, or from a file beside the code', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pgwitness-settings-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const all = {
    ...settings,
    ...{
      region: 'eu-west-1',
      endpoint: 'https://s3.example.com',
      pathStyle: true,
      allowHttp: false,
    },
    ...{ encryption: 'aws:kms', kmsKeyId: 'k', storageClass: 'STANDARD_IA' },
    drains: [{ ...drain, oldSecretEnv: 'A_OLD', redactKeyEnv: 'A_KEY' }],
  };
  expect(read(all)).toEqual(all);
  writeFileSync(join(folder, 'receiver.json'), JSON.stringify(settings));
  expect(readLambdaSettings({ PGWITNESS_RECEIVER: '@receiver.json' }, folder)).toEqual(settings);
  const missing = failure(() => readLambdaSettings({ PGWITNESS_RECEIVER: '@no.json' }, folder));
  expect(missing).toMatchObject({ code: 'receive.no-settings', exit: 2 });
});

test('all that is wrong is told at once, and no value is quoted', () => {
  const { code, message } = failure(() =>
    read({
      ...{ version: 2, bucket: '', encryption: 'hunter2', pathStyle: 'hunter2', region: 7 },
      drains: [{ ...drain, user: { hunter2: 1 }, tokens: ['d.a', 7] }, 'hunter2'],
    }),
  );
  expect(code).toBe('receive.bad-settings');
  for (const what of [
    'version is not 1',
    'bucket is no text',
    'encryption is none of',
    'pathStyle is neither true nor false',
    'region is no text',
    'drains[0].user is no text',
    'drains[0].tokens is no list of texts',
    'drains[1] is no object',
  ]) {
    expect(message).toContain(what);
  }
  expect(message).not.toContain('hunter2');
});

test.each([null, 7, [], '{', { ...settings, drains: [] }, { ...settings, drains: undefined }])(
  'what is no settings is refused: %j',
  (json) => {
    expect(failure(() => read(json)).code).toBe('receive.bad-settings');
  },
);

test('during a rotation both passwords are valid; after it the old one’s variable may be gone', () => {
  const known = read({ ...settings, drains: [{ ...drain, oldSecretEnv: 'A_OLD' }] });
  const secretsOf = (env: Record<string, string>) =>
    readLambdaSecrets(known, env).drains.map(({ secrets }) => secrets);
  expect(secretsOf({ A_SECRET: 'new', A_OLD: 'old' })).toEqual([['new', 'old']]);
  expect(secretsOf({ A_SECRET: 'new' })).toEqual([['new']]);
});

test('every secret that is missing is named', () => {
  const other = { ...drain, app: 'b', prefix: 'b', secretEnv: 'B_SECRET', redactKeyEnv: 'B_KEY' };
  const known = read({ ...settings, drains: [drain, other] });
  const { code, message } = failure(() => readLambdaSecrets(known, { A_SECRET: ' ' }));
  expect(code).toBe('receive.no-secret');
  expect(message).toContain('A_SECRET, B_KEY, B_SECRET');
  const keys = readLambdaSecrets(known, { A_SECRET: 'a', B_SECRET: 'b', B_KEY: 'k' }).redactKeys;
  expect([...keys]).toEqual([['b', 'k']]);
});
