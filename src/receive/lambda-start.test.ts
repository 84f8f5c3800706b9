import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { startLambda } from './lambda-start.ts';

const settings = {
  version: 1,
  bucket: 'bucket',
  region: 'eu-central-1',
  encryption: 'AES256',
  drains: [{ app: 'a', prefix: 'a', user: 'raxx', secretEnv: 'SECRET', tokens: [] }],
};
const start = (endpoint: string) =>
  startLambda({
    env: {
      PGWITNESS_RECEIVER: JSON.stringify({ ...settings, endpoint }),
      SECRET: 'a password of enough characters',
      AWS_ACCESS_KEY_ID: 'AK',
      AWS_SECRET_ACCESS_KEY: 'SK',
    },
    folder: tmpdir(),
    now: Date.now,
    write: () => undefined,
  });

test.each([
  'http://s3.example.com',
  'HTTP://s3.example.com',
  ' http://s3.example.com',
  'http:s3.example.com',
  'http://127.0.0.1.example.com',
])('an endpoint that would take the log in clear is refused: %j', async (endpoint) => {
  await expect(start(endpoint)).rejects.toMatchObject({ code: 'receive.bad-settings', exit: 2 });
});

test.each(['https://s3.example.com', 'HTTP://LOCALHOST:9000', 'http://[::1]:9000'])(
  'an endpoint that keeps the log from others is taken: %s',
  async (endpoint) => {
    expect(await start(endpoint)).toBeTypeOf('function');
  },
);
