import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type FaultyS3, s3Faults, startFaultyS3 } from '../../test/rig/s3-faults.ts';
import { hasS3, type S3World, startS3World } from '../../test/rig/s3-world.ts';
import { listed } from '../../test/rig/sink-conformance.ts';
import type { CredentialSource } from './aws-credentials.ts';
import { s3Archive } from './s3-archive.ts';
import type { S3Place } from './s3-place.ts';
import { openS3Sink } from './s3-sink.ts';

const key = 'logs/a/2026/06/30/1782863998123-00000000-0000-4000-8000-000000000000.gz';
const nobody: CredentialSource = async () => ({ accessKeyId: 'NOBODY', secretAccessKey: 'secret' });

if (hasS3) {
  let world: S3World;
  let place: S3Place;
  beforeAll(async () => {
    world = await startS3World();
    place = await world.newBucket();
    const sink = openS3Sink({ ...place, credentials: world.owner });
    await sink.put(key, Buffer.alloc(100_000, 'x'));
    sink.close();
  });
  const archiveAt = (change: Partial<S3Place>) =>
    s3Archive({ ...place, credentials: world.owner, ...change });

  test('more objects than a page holds are listed once each, in order, also from amid them', async () => {
    const many = { ...(await world.newBucket()), credentials: world.owner, pageSize: 10 };
    const sink = openS3Sink(many);
    onTestFinished(() => sink.close());
    const keys = Array.from({ length: 43 }, (_, at) => `logs/a/${String(at).padStart(5, '0')}`);
    await Promise.all(keys.map((name) => sink.put(name, Buffer.from('x'))));
    const archive = s3Archive(many);
    expect((await listed(archive, 'logs/')).map((object) => object.key)).toEqual(keys);
    const after = keys[12] ?? '';
    expect((await listed(archive, 'logs/', after)).map((object) => object.key)).toEqual(
      keys.slice(13),
    );
  });

  test('an object that no sink could have put is not listed, whatever its name holds', async () => {
    const { bucket, ...rest } = await world.newBucket();
    for (const Key of [
      'logs/a/b c',
      'logs/a/ü',
      'logs/a/\u0007',
      'logs//x',
      'logs/a/.h',
      'logs/a/%',
      'logs/a/ok=1',
      'logs/',
    ]) {
      await world.client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }));
    }
    const archive = s3Archive({ bucket, ...rest, credentials: world.owner });
    expect((await listed(archive, 'logs/')).map((object) => object.key)).toEqual(['logs/a/ok=1']);
    expect(Buffer.from(await archive.read('logs/a/ok=1')).toString()).toBe('x');
  });

  test('an object under a delete marker is told as gone, with where to look', async () => {
    const versioned = await world.newBucket({ versioned: true });
    const { bucket: Bucket } = versioned;
    await world.client.send(new PutObjectCommand({ Bucket, Key: key, Body: 'x' }));
    await world.client.send(new DeleteObjectCommand({ Bucket, Key: key }));
    const archive = s3Archive({ ...versioned, credentials: world.owner });
    expect(await listed(archive, '')).toEqual([]);
    await expect(archive.read(key)).rejects.toMatchObject({
      code: 'sink.no-such-object',
      exit: 1,
      fix: expect.stringContaining('delete marker'),
    });
  });

  test.each([
    ['a bucket that is not there', { bucket: 'no-such-bucket' }, 'sink.s3-no-bucket'],
    ['a port where nothing listens', { endpoint: 'http://127.0.0.1:1' }, 'sink.s3-unreachable'],
  ])('%s can not be reached', async (_, change, code) => {
    const archive = archiveAt(change);
    await expect(listed(archive, 'logs/')).rejects.toMatchObject({ code, exit: 3 });
    await expect(archive.read(key)).rejects.toMatchObject({ code, exit: 3 });
  });

  describe('on a way that breaks', () => {
    let faulty: FaultyS3;
    beforeAll(async () => {
      faulty = await startFaultyS3(world.server.endpoint);
    });
    afterAll(() => faulty.stop());
    const broken = () => archiveAt({ endpoint: faulty.endpoint });

    test.each(['fails with 500', 'fails with 503', 'connection cut'] as const)(
      'a request that meets "%s" once is made again',
      async (name) => {
        const archive = broken();
        faulty.breaks(s3Faults[name], 1);
        expect(await listed(archive, 'logs/')).toHaveLength(1);
        faulty.breaks(s3Faults[name], 1);
        expect(await archive.read(key)).toHaveLength(100_000);
      },
    );

    test('a body that is cut off is read again, and is never taken for the whole', async () => {
      faulty.breaks({ kind: 'cut in the answer' }, 2);
      expect(await broken().read(key)).toHaveLength(100_000);
      faulty.breaks({ kind: 'cut in the answer' });
      onTestFinished(() => faulty.heals());
      await expect(broken().read(key)).rejects.toMatchObject({
        code: 'sink.s3-unreachable',
        exit: 3,
      });
    });
  });
}

describe('what answers and is no S3', () => {
  const entry = (name: string) => `<Contents><Key>${name}</Key><Size>1</Size></Contents>`;
  const page = (inside: string, next = '', more = next !== '') =>
    `<ListBucketResult><Name>bucket</Name><EncodingType>url</EncodingType>${inside}<IsTruncated>${more}</IsTruncated><NextContinuationToken>${next}</NextContinuationToken></ListBucketResult>`;

  test.each([
    ['lists out of order', [page(entry('logs/b') + entry('logs/a'))]],
    ['lists an object twice', [page(entry('logs/a') + entry('logs/a'))]],
    ['lists the same page for ever', [page(entry('logs/a'), '1'), page(entry('logs/a'), '2')]],
    ['continues where it was', [page('', '1'), page('', '1')]],
    ['has more and does not say where', [page(entry('logs/a'), '', true)]],
    [
      'has more and no token at all',
      [page('').replace(/<IsT.*Token>/, '<IsTruncated>true</IsTruncated>')],
    ],
    ['goes round between empty pages', [page('', '1'), page('', '2'), page('', '1')]],
    ['ignores where to begin', [page(entry('logs/a'))], 'logs/b'],
  ])('a store that %s is not relied on', async (_, pages, after = '') => {
    const archive = s3Archive({ ...(await startPages(pages)), credentials: nobody });
    await expect(listed(archive, 'logs/', after)).rejects.toMatchObject({
      code: 'sink.s3-failed',
      exit: 3,
    });
  });

  test.each([
    ['a page of the web', '<html><body>Welcome</body></html>'],
    ['XML that ends amid', '<ListBucketResult><Contents><Key>logs/a'],
    [
      'a million entities',
      `<!DOCTYPE x [<!ENTITY a "${'x'.repeat(1_000)}">]><ListBucketResult>&a;</ListBucketResult>`,
    ],
  ])('%s is not read as an archive in which nothing happened', async (_, answer) => {
    const archive = s3Archive({ ...(await startPages([answer])), credentials: nobody });
    for (const asked of [listed(archive, 'logs/'), archive.read(key)]) {
      await expect(asked).rejects.toMatchObject({
        code: expect.stringMatching(/^sink\.s3-(failed|unreachable)$/),
        exit: 3,
      });
    }
  });

  test('an object that is too large for a receiver’s is not read', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { etag: '"x"', 'content-length': String(5 * 1024 ** 3) });
      response.write('x');
    });
    const archive = s3Archive({ ...(await listening(server)), credentials: nobody });
    await expect(archive.read(key)).rejects.toMatchObject({
      code: 'sink.object-too-large',
      exit: 1,
    });
  });

  test('an object in a class that is not read at once is told as that', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(403, { 'content-type': 'application/xml' });
      response.end('<Error><Code>InvalidObjectState</Code><Message>x</Message></Error>');
    });
    const archive = s3Archive({ ...(await listening(server)), credentials: nobody });
    await expect(archive.read(key)).rejects.toMatchObject({ code: 'sink.s3-frozen', exit: 1 });
  });

  test('without credentials nothing is read, and the error says so', async () => {
    const archive = s3Archive({
      ...(await startPages([page('')])),
      credentials: async () => Promise.reject(new Error('from a secret place')),
    });
    const error = await listed(archive, 'logs/').catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ exit: 3 });
    expect(inspect(error)).not.toContain('secret place');
  });
});

async function startPages(pages: readonly string[]): Promise<S3Place> {
  let at = 0;
  const server = createServer((_request, response) => {
    const answer = pages[Math.min(at, pages.length - 1)];
    at += 1;
    response.writeHead(200, { 'content-type': 'application/xml' }).end(answer);
  });
  return listening(server);
}

async function listening(server: ReturnType<typeof createServer>): Promise<S3Place> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { bucket: 'bucket', region: 'r', endpoint: `http://127.0.0.1:${port}` };
}
