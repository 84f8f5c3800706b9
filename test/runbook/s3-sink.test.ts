import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { readConfig } from '../../src/config/read-config.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/demo/embedded-postgres.ts';
import { createWorld, database } from '../../src/demo/world.ts';
import { encodeFrame } from '../../src/logplex/frame.ts';
import type { CredentialSource } from '../../src/sink/aws-credentials.ts';
import { drainHeaders, frameOf } from '../rig/drain.ts';
import { runCli } from '../rig/run-cli.ts';
import { hasS3, type S3World, shippedPolicy, startS3World } from '../rig/s3-world.ts';
import { herokuMessage } from '../rig/small-archive.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const example = fileURLToPath(new URL('../../examples/raxx/pgwitness.yaml', import.meta.url));
/** The runbook's own names. */
const bucket = 'raxx-heroku-logs-prod';
const [prod, staging] = ['raxx-api-prod', 'raxx-api-staging'];
const keyShape =
  /^logs\/[a-z0-9-]+\/\d{4}\/\d{2}\/\d{2}\/\d{13}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.gz$/;
const passwords = {
  raxx_owner: 'owner-secret',
  raptor_app: 'app-secret',
  audit_archiver: 'archiver-secret',
  raptor_audit_compliance: 'compliance-secret',
};
const drainSecret = 'drain-secret-of-raxx';

test('the example pins the drain token of each of its apps, which share one drain URL', async () => {
  const { apps } = await readConfig(example);
  expect(apps.map(({ drain }) => drain?.tokens.length)).toEqual([1, 1]);
  expect(new Set(apps.map(({ drain }) => drain?.user)).size).toBe(1);
});

if (hasS3) {
  describe("the runbook's deployment, as examples/raxx configures it", () => {
    let world: S3World;
    let postgres: EmbeddedPostgres;
    let folder: string;
    let receiver: ChildProcess;
    let url: string;
    let reader: S3World['client'];
    let writerEnv: Record<string, string>;
    let readerEnv: Record<string, string>;
    let tokens: Record<string, string>;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'pgwitness-runbook-'));
      [world, postgres] = await Promise.all([startS3World(), startEmbeddedPostgres({})]);
      await createWorld(postgres, passwords);
      await makeBucket();
      const writer = await world.newRole(await shippedPolicy('receiver-role-policy', bucket));
      // Ceph's RGW takes no policy that names an action which it lacks.
      const readPolicy = (await shippedPolicy('archive-reader-policy', bucket)).replace(
        /,\s*"s3:GetEncryptionConfiguration"/,
        '',
      );
      writerEnv = { ...(await awsEnv(writer)), RAXX_DRAIN_SECRET: drainSecret };
      const readerRole = await world.newRole(readPolicy);
      reader = world.clientOf(readerRole);
      readerEnv = { ...(await awsEnv(readerRole)), ...databaseEnv() };
      const { apps } = await readConfig(example);
      tokens = Object.fromEntries(apps.map(({ name, drain }) => [name, drain?.tokens[0] ?? '']));
      url = await startReceiver();
    }, 120_000);
    afterAll(async () => {
      receiver?.kill('SIGTERM');
      if (receiver !== undefined) await once(receiver, 'close');
      await postgres?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    async function makeBucket(): Promise<void> {
      await world.client.send(new CreateBucketCommand({ Bucket: bucket }));
      await world.client.send(
        new PutBucketVersioningCommand({
          Bucket: bucket,
          VersioningConfiguration: { Status: 'Enabled' },
        }),
      );
    }

    /** What a shell of that identity has: nothing of the configuration is changed for this S3. */
    async function awsEnv(credentials: CredentialSource): Promise<Record<string, string>> {
      const { accessKeyId, secretAccessKey, sessionToken = '' } = await credentials();
      return {
        AWS_ENDPOINT_URL_S3: world.server.endpoint,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken,
      };
    }

    function databaseEnv(): Record<string, string> {
      const { user, password } = postgres.superuser;
      return {
        RAXX_PROD_OWNER_URL: postgres.url('raxx_owner', passwords.raxx_owner, database),
        RAXX_PROD_APP_URL: postgres.url('raptor_app', passwords.raptor_app, database),
        RAXX_PROD_SUPERUSER_URL: postgres.url(user, password, database),
      };
    }

    /** `pgwitness receive` with the example, as a process that has the put-only identity and no other. */
    async function startReceiver(): Promise<string> {
      receiver = spawn(
        process.execPath,
        [main, 'receive', '--config', example, '--port', '0', '--json'],
        { env: { PATH: process.env['PATH'], ...writerEnv }, stdio: ['ignore', 'pipe', 'pipe'] },
      );
      let complaints = '';
      receiver.stderr?.on('data', (chunk) => {
        complaints += chunk;
      });
      const ended = once(receiver, 'close').then(() => {
        throw new Error(`the receiver ended: ${complaints}`);
      });
      const [chunk] = await Promise.race([once(receiver.stdout ?? receiver, 'data'), ended]);
      // It is awaited in afterAll.
      ended.catch(() => undefined);
      const told = JSON.parse(String(chunk)) as { listening: string; archive: string };
      expect(told.archive).toContain(`s3://${bucket}`);
      return told.listening;
    }

    /** A frame as Logplex posts it. */
    async function post(app: string | undefined, id: string, body: Uint8Array): Promise<number> {
      const token = app === undefined ? 'd.00000000-0000-4000-8000-000000000000' : tokens[app];
      const headers = drainHeaders({
        user: 'raxx',
        password: drainSecret,
        id,
        ...(token !== undefined && { token }),
      });
      const answer = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) });
      await answer.arrayBuffer();
      expect(answer.headers.get('content-length')).toBe('0');
      return answer.status;
    }

    /** Keys below a prefix, as the reader lists them. */
    async function keysOf(app: string): Promise<string[]> {
      const { Contents = [] } = await reader.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: `logs/${app}/` }),
      );
      return Contents.map(({ Key = '' }) => Key);
    }

    /** `zcat` of an object. */
    async function unpacked(key: string): Promise<string> {
      const { Body } = await reader.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return gunzipSync((await Body?.transformToByteArray()) ?? '').toString('utf8');
    }

    test('the drain of both apps: each frame stands below its own app, under a key of the runbook’s layout', async () => {
      const message = (text: string) => encodeFrame(herokuMessage({ atMs: Date.now(), text }));
      const ofProd = message("statement: insert into users (email) values ('prod@example.org')");
      const ofStaging = message('statement: delete from sessions');
      expect(await post(prod, 'A'.repeat(32), ofProd)).toBe(200);
      expect(await post(staging, 'B'.repeat(32), ofStaging)).toBe(200);
      for (const [app, body] of [
        [prod, ofProd],
        [staging, ofStaging],
      ] as const) {
        const [key = '', ...more] = await keysOf(app);
        expect(more).toEqual([]);
        expect(key).toMatch(keyShape);
        expect(key).toContain(`/${new Date().toISOString().slice(0, 10).replaceAll('-', '/')}/`);
        expect(await unpacked(key)).toBe(Buffer.from(body).toString('utf8'));
      }
      const run = await runCli(['trail', '--config', example, '--app', staging], {
        env: readerEnv,
      });
      expect(run).toMatchObject({ code: 0, stderr: '' });
      expect(run.stdout).toContain('delete from sessions');
      expect(run.stdout).not.toContain('prod@example.org');
    });

    test('a retry after a lost answer makes no second object, and the first version stays', async () => {
      const body = frameOf('[RED] [1-1]  retried');
      expect(await post(prod, 'C'.repeat(32), body)).toBe(200);
      const keys = await keysOf(prod);
      expect(await post(prod, 'C'.repeat(32), body)).toBe(200);
      expect(await keysOf(prod)).toEqual(keys);
      const { Versions = [], DeleteMarkers = [] } = await world.client.send(
        new ListObjectVersionsCommand({ Bucket: bucket, Prefix: keys.at(-1) ?? '' }),
      );
      expect(Versions.length).toBeGreaterThanOrEqual(1);
      expect(DeleteMarkers).toEqual([]);
    });

    test('a token that nobody pinned is kept apart, and a wrong password is refused', async () => {
      expect(await post(undefined, 'D'.repeat(32), frameOf('whose is it'))).toBe(200);
      const [key = ''] = await keysOf('unclaimed-raxx');
      expect(await unpacked(key)).toContain('whose is it');
      const headers = drainHeaders({ user: 'raxx', password: 'guessed' });
      const answer = await fetch(url, { method: 'POST', headers, body: frameOf('no') });
      expect(answer.status).toBe(401);
    });

    test('who puts can’t read, and who reads can’t put', async () => {
      const trail = await runCli(['trail', '--config', example, '--app', prod], { env: writerEnv });
      expect(trail).toMatchObject({ code: 3, stdout: '' });
      expect(trail.stderr).toContain('sink.s3-denied');
      const { openSink } = await import('../../src/cli/open-archive.ts');
      const sink = await openSink(await readConfig(example), { env: readerEnv });
      const put = sink.put('logs/raxx-api-prod/2026/06/30/planted.gz', Buffer.from('planted'));
      await expect(put).rejects.toMatchObject({ code: 'sink.s3-denied' });
      sink.close();
    });

    test('with capture installed and the log shipped, the smoke test proves the way into the bucket', async () => {
      const install = ['install', '--config', example, '--app', prod, '--no-baseline'];
      expect(await runCli(install, { env: readerEnv })).toMatchObject({ code: 0 });
      const stop = new AbortController();
      const shipping = runCli(['ship', '--config', await shipConfig(), '--app', prod], {
        env: { RAXX_PROD_DRAIN_URL: url.replace('://', `://raxx:${drainSecret}@`) },
        signal: stop.signal,
      });
      const smoke = ['smoke', '--config', example, '--app', prod, '--json'];
      const run = await runCli(smoke, { env: readerEnv });
      stop.abort();
      expect(await shipping).toMatchObject({ code: 0 });
      expect(run).toMatchObject({ code: 0, stderr: '' });
      const report = JSON.parse(run.stdout) as { event: string; objectKey: string; lagMs: number };
      expect(report.objectKey).toMatch(keyShape);
      expect(report.lagMs).toBeLessThan(30_000);

      // The runbook's own look: zcat | grep 'customer_audit_events' | grep 'pgaudit-smoke'.
      const lines = (await unpacked(report.objectKey)).split('\n');
      const found = lines.filter(
        (line) => line.includes('customer_audit_events') && line.includes(report.event),
      );
      expect(found).not.toEqual([]);
      const trail = ['trail', '--config', example, '--app', prod, '--grep', report.event];
      const records = await runCli([...trail, '--json'], { env: readerEnv });
      expect(records).toMatchObject({ code: 0, stderr: '' });
      expect(records.stdout).toContain('"user":"raptor_app"');
    });

    /** The example's, but for where this machine's Postgres writes its log. */
    async function shipConfig(): Promise<string> {
      const config = parse(await readFile(example, 'utf8'));
      Object.assign(config.apps[prod].ship, {
        log_directory: postgres.logDirectory,
        state: join(folder, 'ship.json'),
      });
      const path = join(folder, 'pgwitness.yaml');
      await writeFile(path, stringify(config));
      return path;
    }
  });
}
