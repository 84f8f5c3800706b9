import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type EmbeddedPostgres,
  freePort,
  startEmbeddedPostgres,
} from '../demo/embedded-postgres.ts';
import { PgwitnessError } from '../error.ts';
import { connectDatabase } from './connect.ts';

let server: EmbeddedPostgres;
beforeAll(async () => {
  server = await startEmbeddedPostgres({});
});
afterAll(() => server.stop());

const secret = 's3cret-never-told';

async function failure(url: string, timeoutMs?: number): Promise<PgwitnessError> {
  const client = connectDatabase(
    url,
    "the owner's connection",
    timeoutMs === undefined ? {} : { timeoutMs },
  );
  const error = await client.then(
    async (open) => {
      await open.end();
      throw new Error('it connected');
    },
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PgwitnessError)) throw error;
  // Whatever fails, the password is in nothing that can be printed.
  expect(
    JSON.stringify([error.message, error.fix, String(error.cause), error.stack]),
  ).not.toContain(secret);
  return error;
}

test('opens a connection that a broken server ends without ending the process', async () => {
  const { user, password } = server.superuser;
  const client = await connectDatabase(server.url(user, password), 'a connection');
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await client.query('select pg_terminate_backend(pg_backend_pid())').catch((error) => {
    expect(error.code).toBe('57P01');
  });
  await expect(client.query('select 1')).rejects.toThrow();
});

test('names a wrong password, an unknown database and a role that may not log in', async () => {
  const wrong = await failure(server.url('postgres', secret));
  expect(wrong).toMatchObject({
    code: 'capture.connect-wrong-password',
    exit: 3,
    message: `The owner's connection to postgres@127.0.0.1:${server.port}/postgres failed: the server refuses this user and password.`,
  });
  const { user, password } = server.superuser;
  expect(await failure(server.url(user, password, 'nowhere'))).toMatchObject({
    code: 'capture.connect-no-such-database',
    exit: 3,
  });
  const client = await connectDatabase(server.url(user, password), 'a connection');
  await client.query(`create role no_login nologin password '${secret}'`);
  await client.end();
  expect(await failure(server.url('no_login', secret))).toMatchObject({
    code: 'capture.connect-not-allowed',
    exit: 3,
  });
});

test('names a missing password, a closed port, an unknown host and a host that does not answer', async () => {
  expect(await failure(`postgres://postgres@127.0.0.1:${server.port}/postgres`)).toMatchObject({
    code: 'capture.connect-wrong-password',
    exit: 3,
  });
  expect(await failure(`postgres://u:${secret}@127.0.0.1:${await freePort()}/x`)).toMatchObject({
    code: 'capture.connect-refused',
    exit: 3,
  });
  expect(await failure(`postgres://u:${secret}@nowhere.invalid/x`)).toMatchObject({
    code: 'capture.connect-no-such-host',
    exit: 3,
  });
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  const address = silent.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  expect(await failure(`postgres://u:${secret}@127.0.0.1:${address.port}/x`, 200)).toMatchObject({
    code: 'capture.connect-timeout',
    exit: 3,
  });
  silent.close();
});

test('refuses what is no Postgres URL as configuration, without quoting it', async () => {
  for (const url of [secret, `https://u:${secret}@host/x`, `postgres://u:${secret}@h:port/x`, '']) {
    expect(await failure(url)).toMatchObject({ code: 'capture.bad-url', exit: 2 });
  }
});

test('a password with an unencoded slash is a bad URL, and no part of it is told', async () => {
  for (const url of [`postgres://u:12/${secret}@h/x`, `postgres://u:1?${secret}@h/x`]) {
    const error = await failure(url, 200);
    expect(error.exit).toBeGreaterThan(1);
  }
  expect(await failure(`postgres://u:12/${secret}@h/x`)).toMatchObject({ code: 'capture.bad-url' });
});

test('names a certificate file that is not there or is none', async () => {
  const url = (file: string) => `postgres://u:${secret}@127.0.0.1/x?sslrootcert=${file}`;
  expect(await failure(url('/nowhere/ca.pem'))).toMatchObject({
    code: 'capture.no-certificate-file',
    exit: 2,
    message: expect.stringContaining('/nowhere/ca.pem, which is not there'),
  });
  expect(await failure(url('/'))).toMatchObject({ code: 'capture.no-certificate-file', exit: 2 });
});

test('sslmode=require brings its error and no warning of Node', async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on('warning', listen);
  const { user } = server.superuser;
  for (const mode of ['require', 'prefer', 'verify-ca']) {
    const error = await failure(`${server.url(user, secret)}?sslmode=${mode}`);
    expect(error.message).toContain('SSL');
  }
  process.off('warning', listen);
  expect(warnings).toEqual([]);
});
