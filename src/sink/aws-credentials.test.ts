import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { environmentCredentials, profileCredentials } from './aws-credentials.ts';

afterEach(() => vi.unstubAllEnvs());

test('Lambda’s variables are credentials, read anew each time; without both of the key there are none', async () => {
  const env: Record<string, string> = {
    AWS_ACCESS_KEY_ID: 'AKID',
    AWS_SECRET_ACCESS_KEY: 'secret',
  };
  const source = environmentCredentials(env);
  expect(await source()).toEqual({ accessKeyId: 'AKID', secretAccessKey: 'secret' });
  env['AWS_SESSION_TOKEN'] = 'token';
  expect(await source()).toMatchObject({ sessionToken: 'token' });
  env['AWS_SECRET_ACCESS_KEY'] = '';
  await expect(source()).rejects.toMatchObject({ code: 'sink.s3-credentials', exit: 2 });
});

/** A home with profiles, and nothing else that the SDK could find. */
async function stubHome(credentials: string): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'pgwitness-aws-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  await writeFile(join(home, 'credentials'), credentials);
  await writeFile(join(home, 'config'), '');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(home, 'credentials'));
  vi.stubEnv('AWS_CONFIG_FILE', join(home, 'config'));
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  for (const name of [
    'AWS_PROFILE',
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
  ]) {
    vi.stubEnv(name, undefined);
  }
  return join(home, 'credentials');
}

test('a profile’s credentials are its own, even where the environment has others', async () => {
  await stubHome('[writer]\naws_access_key_id = WRITER\naws_secret_access_key = one\n');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'OTHER');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'two');
  expect(await profileCredentials('writer')()).toMatchObject({
    accessKeyId: 'WRITER',
    secretAccessKey: 'one',
  });
  expect(await profileCredentials()()).toMatchObject({ accessKeyId: 'OTHER' });
});

test('a profile that is not there is told by its name, and nothing that was read is quoted', async () => {
  await stubHome('[writer]\naws_access_key_id = WRITER\naws_secret_access_key = hunter2\n');
  const error = await profileCredentials('reader')().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: 'sink.s3-credentials',
    exit: 2,
    message: expect.stringContaining('reader'),
  });
  expect(inspect(error)).not.toContain('hunter2');
  await expect(profileCredentials()()).rejects.toMatchObject({ code: 'sink.s3-credentials' });
});

test('keys that somebody renews in the file are found within a minute, and read once till then', async () => {
  const profile = (secret: string) =>
    `[writer]\naws_access_key_id = WRITER\naws_secret_access_key = ${secret}\naws_session_token = t\n`;
  const file = await stubHome(profile('old'));
  let now = 0;
  const source = profileCredentials('writer', () => now);
  expect(await source()).toMatchObject({ secretAccessKey: 'old' });
  await writeFile(file, profile('new'));
  now = 59_000;
  expect(await source()).toMatchObject({ secretAccessKey: 'old' });
  now = 61_000;
  expect(await source()).toMatchObject({ secretAccessKey: 'new', sessionToken: 't' });
});

test('a profile that comes late is found', async () => {
  const file = await stubHome('');
  let now = 0;
  const source = profileCredentials('writer', () => now);
  await expect(source()).rejects.toMatchObject({ code: 'sink.s3-credentials' });
  await writeFile(file, '[writer]\naws_access_key_id = WRITER\naws_secret_access_key = one\n');
  now = 61_000;
  expect(await source()).toMatchObject({ accessKeyId: 'WRITER' });
});
