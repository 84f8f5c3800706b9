import { request as httpRequest } from 'node:http';
import fc from 'fast-check';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { drainHeaders, drainRequest, frameOf, l10 } from '../../test/rig/drain.ts';
import { receiverRig } from '../../test/rig/receiver-rig.ts';
import { parseObjectKey } from '../sink/object-key.ts';
import { readFrames } from '../sink/read-frames.ts';
import type { Sink } from '../sink/sink.ts';
import { listen } from './node-server.ts';

/** Keeps what it is given, so that thousands of frames need no disk. */
function memorySink() {
  const objects = new Map<string, Uint8Array>();
  const sink: Sink = {
    description: 'memory',
    async put(key, body) {
      if (objects.has(key)) return 'exists';
      objects.set(key, body);
      return 'stored';
    },
  };
  return { sink, objects };
}

const good = Buffer.concat([l10(3, '2026-06-30T10:00:00+00:00'), frameOf('a', 'b\nc', '')]);
const body = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc.string({ unit: 'binary', maxLength: 200 }).map((text) => Buffer.from(text)),
  fc.nat(good.length).map((cut) => good.subarray(0, cut)),
  fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, value]) => {
    const bad = Buffer.from(good);
    bad[at] = value;
    return bad;
  }),
);
/** What may stand in a header: all printable signs and bytes above them. */
const value = fc.oneof(
  fc.string({ maxLength: 80 }).map((text) => text.replace(/[^\x20-\x7e]/g, '')),
  fc.constantFrom(
    '../../etc/passwd',
    '%2e%2e%2f',
    '0',
    '-1',
    '1e9',
    'NaN',
    "';--",
    '\u00ff\u0080',
    'x'.repeat(3_000),
  ),
);
const headers = fc.record(
  {
    'logplex-msg-count': value,
    'logplex-frame-id': value,
    'logplex-drain-token': value,
    'content-type': value,
    'user-agent': value,
    'content-encoding': fc.constantFrom('', 'identity', 'br', '../x', 'x'.repeat(500)),
    cookie: value,
  },
  { requiredKeys: [] },
);

test('whatever an authenticated drain sends is acknowledged, stored as sent, and inside its prefix', async () => {
  const { sink, objects } = memorySink();
  const { receiver } = await receiverRig({ sink, log: pino({ level: 'silent' }) });
  await fc.assert(
    fc.asyncProperty(body, headers, fc.boolean(), async (bytes, given, shared) => {
      objects.clear();
      const account = shared ? { user: 'shared', password: 'secret-two' } : {};
      const response = await receiver.handle(
        drainRequest({ ...account, body: bytes, headers: given as Record<string, string> }),
      );
      expect(response.status).toBe(200);
      const [[key, object] = ['', new Uint8Array()], ...more] = [...objects];
      expect(more).toEqual([]);
      expect(parseObjectKey(key)?.prefix).toBe(shared ? 'unclaimed-shared' : 'one');
      const [frame, ...rest] = readFrames(object);
      expect(rest).toEqual([]);
      expect(frame).toMatchObject({ kind: 'frame', body: Buffer.from(bytes) });
    }),
    { numRuns: 500 },
  );
});

test('over a real socket neither path, query, host, expectation nor method override makes an authenticated frame a 4xx', async () => {
  const { sink, objects } = memorySink();
  const { receiver } = await receiverRig({ sink, log: pino({ level: 'silent' }) });
  const stop = new AbortController();
  const server = await listen({ host: '127.0.0.1', port: 0, receiver, signal: stop.signal });
  const path = fc.oneof(
    fc.constantFrom(
      '/',
      '//',
      '/a/../b',
      '/%',
      '/%zz?%',
      '/healthz',
      '/x?token=1#y',
      '*',
      'http://[',
      '/\\..\\',
    ),
    fc.string({ maxLength: 60 }).map((text) => `/${text.replace(/[^\x21-\x7e]/g, '')}`),
  );
  const odd = fc.record(
    {
      host: fc.constantFrom('', '::', 'a b', 'http://x', '\u00ff', 'a'.repeat(300), '[::1'),
      expect: fc.constantFrom('100-continue', '200-maybe'),
      upgrade: fc.constantFrom('websocket', 'h2c'),
      connection: fc.constantFrom('upgrade', 'close', 'keep-alive'),
      'x-http-method-override': fc.constant('DELETE'),
      'logplex-frame-id': value,
    },
    { requiredKeys: [] },
  );
  try {
    await fc.assert(
      fc.asyncProperty(path, odd, body, fc.boolean(), async (target, given, bytes, chunked) => {
        objects.clear();
        const more = given as Record<string, string>;
        const status = await post(server.url, target, more, bytes, chunked);
        expect(status).toBe(200);
        const [frame] = readFrames([...objects.values()][0] ?? new Uint8Array());
        expect(frame).toMatchObject({ kind: 'frame', body: Buffer.from(bytes) });
      }),
      { numRuns: 150 },
    );
  } finally {
    stop.abort();
    await server.done;
  }
});

function post(
  url: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  bytes: Uint8Array,
  chunked: boolean,
): Promise<number> {
  const length = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': bytes.length };
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {
      path,
      method: 'POST',
      headers: { ...drainHeaders({}), ...length, ...headers },
    });
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject);
    request.end(bytes);
  });
}
