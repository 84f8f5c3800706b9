import { request as httpRequest } from 'node:http';
import fc from 'fast-check';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { drainHeaders, drainRequest } from '../../test/rig/drain.ts';
import { type FuzzBody, fuzzBody, fuzzHeaders } from '../../test/rig/fuzz-frames.ts';
import { fuzzRuns, fuzzTimeoutMs } from '../../test/rig/fuzz-runs.ts';
import { memorySink } from '../../test/rig/memory-sink.ts';
import { receiverRig } from '../../test/rig/receiver-rig.ts';
import { parseObjectKey } from '../sink/object-key.ts';
import { listen } from './node-server.ts';

const silent = pino({ level: 'silent' });

/** `prefix body encoding` of a frame as it is to be stored. */
function expected(prefix: string, { stored, kept }: FuzzBody): string {
  return `${prefix} ${Buffer.from(stored).toString('hex')} ${kept ?? ''}`;
}

/** The same of what is stored. */
function found(memory: ReturnType<typeof memorySink>): string[] {
  return memory.frames().map(({ key, body, encoding }) => {
    return `${parseObjectKey(key)?.prefix} ${body} ${encoding ?? ''}`;
  });
}

test(
  'whatever authenticated drains send at one moment is acknowledged, stored as sent, and inside their prefixes',
  async () => {
    const memory = memorySink();
    const { receiver } = await receiverRig({ sink: memory.sink, log: silent });
    const sending = fc.record({ body: fuzzBody, headers: fuzzHeaders, shared: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(sending, { minLength: 1, maxLength: 5 }), async (frames) => {
        memory.objects.clear();
        const answers = await Promise.all(
          frames.map(({ body, headers, shared }) => {
            const account = shared ? { user: 'shared', password: 'secret-two' } : {};
            const encoding =
              body.encoding === undefined ? {} : { 'content-encoding': body.encoding };
            const given = { ...headers, ...encoding };
            return receiver.handle(drainRequest({ ...account, body: body.sent, headers: given }));
          }),
        );
        expect(answers.map(({ status }) => status)).toEqual(frames.map(() => 200));
        const sent = frames.map(({ body, headers, shared }) => {
          // Spaces around a header's value are no part of it.
          const token = headers['logplex-drain-token']?.trim() ?? '';
          return expected(shared ? (pinned.get(token) ?? 'unclaimed-shared') : 'one', body);
        });
        // One id with one content is one frame: told once or twice, never not at all.
        expect(new Set(found(memory))).toEqual(new Set(sent));
        expect(found(memory).length).toBeLessThanOrEqual(sent.length);
      }),
      fuzzRuns(150),
    );
  },
  fuzzTimeoutMs,
);

const pinned = new Map([
  ['d.prod', 'prod'],
  ['d.staging', 'staging'],
]);

test(
  'frames that wait at the same moment share an object, byte for byte',
  async () => {
    const memory = memorySink({ putMs: 3 });
    const { receiver } = await receiverRig({ sink: memory.sink, log: silent });
    const bodies = fc.array(fuzzBody, { minLength: 6, maxLength: 12 });
    let shared = 0;
    await fc.assert(
      fc.asyncProperty(bodies, async (frames) => {
        memory.objects.clear();
        const answers = await Promise.all(
          frames.map(({ sent, encoding }, at) => {
            const headers = encoding === undefined ? {} : { 'content-encoding': encoding };
            const id = at.toString(16).toUpperCase().padStart(32, '0');
            return receiver.handle(drainRequest({ body: sent, id, headers }));
          }),
        );
        expect(answers.map(({ status }) => status)).toEqual(frames.map(() => 200));
        expect(found(memory).sort()).toEqual(frames.map((body) => expected('one', body)).sort());
        if (memory.objects.size < frames.length) shared += 1;
      }),
      fuzzRuns(30),
    );
    expect(shared).toBeGreaterThan(0);
  },
  fuzzTimeoutMs,
);

test(
  'over a real socket neither path, query, host, expectation nor method override makes an authenticated frame a 4xx',
  async () => {
    const memory = memorySink();
    const { receiver } = await receiverRig({ sink: memory.sink, log: silent });
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
      },
      { requiredKeys: [] },
    );
    try {
      await fc.assert(
        fc.asyncProperty(path, odd, fuzzBody, fc.boolean(), async (target, more, body, chunked) => {
          memory.objects.clear();
          expect(
            await post(server.url, target, more as Record<string, string>, body, chunked),
          ).toBe(200);
          expect(found(memory)).toEqual([expected('one', body)]);
        }),
        fuzzRuns(150),
      );
    } finally {
      stop.abort();
      await server.done;
    }
  },
  fuzzTimeoutMs,
);

function post(
  url: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: FuzzBody,
  chunked: boolean,
): Promise<number> {
  const { sent, encoding } = body;
  const length = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': sent.length };
  const coding = encoding === undefined ? {} : { 'content-encoding': encoding };
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {
      path,
      method: 'POST',
      headers: { ...drainHeaders({}), ...length, ...coding, ...headers },
    });
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject);
    request.end(sent);
  });
}
