import { randomUUID } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { inspect } from 'node:util';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type FaultyS3, type S3Fault, s3Faults, startFaultyS3 } from '../../test/rig/s3-faults.ts';
import { hasS3, type S3World, startS3World } from '../../test/rig/s3-world.ts';
import { sinkConformance } from '../../test/rig/sink-conformance.ts';
import type { CredentialSource } from './aws-credentials.ts';
import { s3Archive } from './s3-archive.ts';
import { s3Limits } from './s3-connections.ts';
import type { S3Place } from './s3-place.ts';
import { openS3Sink, type S3SinkOptions } from './s3-sink.ts';

const body = Buffer.from('some bytes');
const newKey = () => `logs/a/2026/06/30/1782863998123-${randomUUID()}.gz`;
const nobody: CredentialSource = async () => ({ accessKeyId: 'NOBODY', secretAccessKey: 'secret' });

function openSink(options: S3SinkOptions) {
  const sink = openS3Sink(options);
  onTestFinished(() => sink.close());
  return sink;
}

if (hasS3) {
  let world: S3World;
  let place: S3Place;
  beforeAll(async () => {
    world = await startS3World();
    place = await world.newBucket();
  });
  const read = async (key: string) =>
    Buffer.from(await s3Archive({ ...place, credentials: world.owner }).read(key)).toString();

  describe('conformance', () => {
    sinkConformance(async () => {
      const store = { ...(await world.newBucket()), credentials: world.owner };
      return { sink: openSink(store), archive: s3Archive(store) };
    });
  });

  test('an object lies in the bucket as it was put: a gzip file, in the class that was asked for', async () => {
    const key = newKey();
    const sink = openSink({ ...place, credentials: world.owner, storageClass: 'STANDARD_IA' });
    await sink.put(key, body);
    const head = await world.client.send(new HeadObjectCommand({ Bucket: place.bucket, Key: key }));
    expect(head).toMatchObject({
      ContentType: 'application/gzip',
      ContentLength: body.length,
      StorageClass: 'STANDARD_IA',
    });
    expect(head.ContentEncoding).toBeUndefined();
  });

  test('with KMS an object is encrypted with the key that was named', async () => {
    const key = newKey();
    const kms = { encryption: 'aws:kms', kmsKeyId: 'testkey-1' } as const;
    await openSink({ ...place, credentials: world.owner, ...kms }).put(key, body);
    const object = await world.client.send(
      new GetObjectCommand({ Bucket: place.bucket, Key: key }),
    );
    expect(object.ServerSideEncryption).toBe('aws:kms');
    expect(await object.Body?.transformToString()).toBe('some bytes');
  });

  test('a body that was changed on its way is not taken', async () => {
    const key = newKey();
    const flips = await startFlipping(world.server.endpoint);
    const sink = openSink({ ...place, credentials: world.owner, endpoint: flips });
    await expect(sink.put(key, Buffer.from('seven bytes: AAAAAAA'))).rejects.toMatchObject({
      code: 'sink.s3-failed',
      message: expect.stringContaining('XAmzContentSHA256Mismatch'),
    });
    await expect(read(key)).rejects.toMatchObject({ code: 'sink.no-such-object' });
  });

  test('a store that takes no more is told as full, and takes objects again once there is space', async () => {
    const small = await world.newBucket();
    await world.limitObjects(small.bucket, 1);
    const sink = openSink({ ...small, credentials: world.owner });
    expect(await sink.put(newKey(), body)).toBe('stored');
    const key = newKey();
    await expect(sink.put(key, body)).rejects.toMatchObject({ code: 'sink.s3-full', exit: 1 });
    await world.limitObjects(small.bucket, 2);
    expect(await sink.put(key, body)).toBe('stored');
  });

  test.each([
    ['a bucket that is not there', { bucket: 'no-such-bucket' }, 'sink.s3-no-bucket', 2],
    // AWS says SignatureDoesNotMatch; RGW tells nobody why.
    ['a wrong secret', { credentials: nobody }, 'sink.s3-denied', 2],
    ['a clock that is off', { now: () => Date.UTC(2020, 0) }, 'sink.s3-clock', 2],
    ['a port where nothing listens', { endpoint: 'http://127.0.0.1:1' }, 'sink.s3-unreachable', 3],
    ['a name that leads nowhere', { endpoint: 'https://s3.invalid' }, 'sink.s3-unreachable', 3],
  ])('%s is told by a code of its own', async (_, change, code, exit) => {
    const sink = openSink({ ...place, credentials: world.owner, ...change });
    const error = await sink.put(newKey(), body).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, exit, message: expect.stringContaining('s3://') });
    expect(inspect(error)).not.toMatch(/Signature|AWS4/);
  });

  describe('on a way that breaks', () => {
    let faulty: FaultyS3;
    beforeAll(async () => {
      faulty = await startFaultyS3(world.server.endpoint);
    });
    afterAll(() => faulty.stop());
    const faultySink = (limits = {}) =>
      openSink({
        ...place,
        ...{ endpoint: faulty.endpoint, credentials: world.owner },
        limits: { ...s3Limits, ...limits },
      });

    const outcomes: Record<keyof typeof s3Faults, readonly [first: string, again: string]> = {
      'fails with 500': ['sink.s3-failed', 'stored'],
      'fails with 503': ['sink.s3-busy', 'stored'],
      'fails with 403': ['sink.s3-denied', 'stored'],
      'fails with 409': ['stored', 'exists'],
      'fails but persisted': ['sink.s3-unreachable', 'exists'],
      hangs: ['sink.s3-unreachable', 'stored'],
      'hangs but persisted': ['sink.s3-unreachable', 'exists'],
      slow: ['stored', 'exists'],
      'connection cut': ['sink.s3-unreachable', 'stored'],
      'cut in the body': ['sink.s3-unreachable', 'stored'],
    };
    test.each(Object.entries(outcomes))(
      'a put that meets "%s" says %j; put again, it is there once and whole',
      async (name, [first, again]) => {
        const sink = faultySink({ silentMs: 300 });
        const key = newKey();
        faulty.breaks(s3Faults[name as keyof typeof s3Faults], 1);
        onTestFinished(() => faulty.heals());
        const put = () => sink.put(key, body).catch((error: { code: string }) => error.code);
        expect(await put()).toBe(first);
        expect(await put()).toBe(again);
        expect(await read(key)).toBe('some bytes');
      },
    );

    test('a conflict that does not end is given up as busy', async () => {
      faulty.breaks(s3Faults['fails with 409']);
      onTestFinished(() => faulty.heals());
      await expect(faultySink().put(newKey(), body)).rejects.toMatchObject({
        code: 'sink.s3-busy',
      });
    });

    test.each<[string, S3Fault]>([
      ['hangs', s3Faults.hangs],
      ['is slow', { kind: 'slow', ms: 5_000 }],
      ['conflicts', s3Faults['fails with 409']],
    ])('a put that %s ends when its caller gives it up', async (_, fault) => {
      faulty.breaks(fault);
      onTestFinished(() => faulty.heals());
      const begin = performance.now();
      await expect(
        faultySink().put(newKey(), body, { signal: AbortSignal.timeout(40) }),
      ).rejects.toMatchObject({ code: 'sink.put-stopped' });
      expect(performance.now() - begin).toBeLessThan(1_000);
    });

    test('a connection that the store has closed meanwhile costs no put', async () => {
      const sink = faultySink();
      await Promise.all(Array.from({ length: 4 }, () => sink.put(newKey(), body)));
      for (let round = 0; round < 5; round += 1) {
        faulty.closeIdle();
        expect(await sink.put(newKey(), body)).toBe('stored');
      }
      // Cut under the request: the first try is on a kept connection, the second on a new one.
      faulty.breaks(s3Faults['connection cut'], 1);
      expect(await sink.put(newKey(), body)).toBe('stored');
    });

    test('puts one after another share a connection, and no more run at once than was set', async () => {
      const sink = faultySink({ sockets: 3 });
      const before = faulty.connections;
      for (let at = 0; at < 5; at += 1) await sink.put(newKey(), body);
      expect(faulty.connections - before).toBe(1);
      await Promise.all(Array.from({ length: 12 }, () => sink.put(newKey(), body)));
      expect(faulty.connections - before).toBe(3);
    });

    test('an unused connection is closed', async () => {
      const sink = faultySink({ idleMs: 50 });
      const before = faulty.connections;
      await sink.put(newKey(), body);
      await new Promise((resolve) => setTimeout(resolve, 150));
      await sink.put(newKey(), body);
      expect(faulty.connections - before).toBe(2);
    });
  });
}

describe('what answers and is no S3', () => {
  test.each([
    ['200 without an ETag', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'sink.s3-failed'],
    ['412 without S3’s code', 'HTTP/1.1 412 No\r\nContent-Length: 0\r\n\r\n', 'sink.s3-failed'],
    [
      'a checksum of other bytes',
      'HTTP/1.1 200 OK\r\nETag: "x"\r\nx-amz-checksum-sha256: AAAA\r\nContent-Length: 0\r\n\r\n',
      'sink.s3-failed',
    ],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 'sink.s3-unreachable'],
    [
      'a long page',
      `HTTP/1.1 500 No\r\nContent-Length: 9000000\r\n\r\n${'<Code>A</Code>'.repeat(9_000)}`,
      'sink.s3-unreachable',
    ],
    [
      'a code that is none',
      'HTTP/1.1 400 No\r\nConnection: close\r\n\r\n<Code>a\x1b[31mb</Code>',
      'sink.s3-failed',
    ],
    [
      'a region that is another',
      'HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\n\r\n',
      'sink.s3-wrong-region',
    ],
    [
      'a signature that does not match',
      'HTTP/1.1 403 No\r\nConnection: close\r\n\r\n<Error><Code>SignatureDoesNotMatch</Code><StringToSign>AWS4</StringToSign><SignatureProvided>',
      'sink.s3-credentials',
    ],
    [
      'a key of KMS that is switched off',
      'HTTP/1.1 400 No\r\nConnection: close\r\n\r\n<Code>KMS.DisabledException</Code>',
      'sink.s3-kms',
    ],
  ])('%s is no stored object', async (_, answer, code) => {
    const endpoint = await startAnswering(answer);
    const sink = openSink({ bucket: 'bucket', region: 'r', endpoint, credentials: nobody });
    const error = await sink.put(newKey(), body).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code });
    expect(inspect(error)).not.toMatch(/AWS4|SignatureProvided/);
    expect(JSON.stringify(String(error))).not.toContain('\\u00');
  });

  test('a bucket in the host’s name is asked for there, and the signature covers it', async () => {
    const asked: string[] = [];
    const endpoint = await startAnswering('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n', asked);
    const named = endpoint.replace('127.0.0.1', 'localhost');
    const sink = openSink({
      ...{ bucket: 'bucket', region: 'r', endpoint: named, credentials: nobody, pathStyle: false },
    });
    await expect(sink.put('logs/a=b', body)).rejects.toMatchObject({
      code: expect.stringMatching(/denied|unreachable/),
    });
    // Where no resolver knows names below localhost, nothing was asked.
    for (const request of asked) {
      expect(request).toMatch(/^PUT \/logs\/a%3Db HTTP/);
      expect(request).toMatch(/host: bucket\.localhost:\d+/i);
    }
  });
});

test('a put whose credentials do not come ends when its caller gives it up', async () => {
  const place = { bucket: 'bucket', region: 'r', endpoint: 'http://127.0.0.1:1' };
  const sink = openSink({ ...place, credentials: () => new Promise(() => undefined) });
  await expect(sink.put(newKey(), body, { signal: AbortSignal.timeout(30) })).rejects.toMatchObject(
    { code: 'sink.put-stopped' },
  );
});

test('a part of a put that would not be sent as it is, is refused when the sink is opened', () => {
  const good = { bucket: 'bucket', region: 'r', credentials: nobody };
  for (const wrong of [
    { storageClass: 'A\r\nx-evil: 1' },
    { storageClass: '' },
    { encryption: 'aws:kms' as const, kmsKeyId: 'a b' },
    { bucket: 'evil.example.com/x' },
  ]) {
    expect(() => openS3Sink({ ...good, ...wrong })).toThrow(
      expect.objectContaining({ code: 'sink.s3-bad-place', exit: 2 }),
    );
  }
});

/** Answers the first bytes of every connection with `answer`. */
async function startAnswering(answer: string, asked: string[] = []): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (data) => {
      asked.push(data.toString('latin1'));
      socket.write(answer);
      if (!answer.includes('Content-Length')) socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

/** Passes bytes on to the store, an A of them as a B. */
async function startFlipping(endpoint: string): Promise<string> {
  const server = createServer((near) => {
    const far = connect(Number(new URL(endpoint).port), '127.0.0.1');
    near.on('data', (data) =>
      far.write(Buffer.from(data.toString('latin1').replaceAll('AAAA', 'AAAB'), 'latin1')),
    );
    far.pipe(near);
    for (const socket of [near, far]) {
      socket.on('error', () => socket.destroy());
      socket.on('close', () => [near, far].map((each) => each.destroy()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}
