import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Listening, listen } from '../../src/receive/node-server.ts';
import { createReceiver, type ReceiverOptions } from '../../src/receive/receiver.ts';
import { createReceiverMetrics } from '../../src/receive/receiver-metrics.ts';
import { drainHeaders } from '../rig/drain.ts';
import { type FuzzBody, fuzzBody, fuzzHeaders } from '../rig/fuzz-frames.ts';
import { fuzzRuns, fuzzTimeoutMs } from '../rig/fuzz-runs.ts';
import { memorySink } from '../rig/memory-sink.ts';
import { drains } from '../rig/receiver-rig.ts';

const memory = memorySink({ putMs: 1 });
const stop = new AbortController();
let server: Listening;

beforeAll(async () => {
  const options: ReceiverOptions = {
    drains,
    sink: memory.sink,
    now: Date.now,
    log: pino({ level: 'silent' }),
    metrics: createReceiverMetrics(),
  };
  const receiver = createReceiver(options);
  server = await listen({ host: '127.0.0.1', port: 0, receiver, signal: stop.signal });
});

afterAll(async () => {
  stop.abort();
  await server.done;
});

/** A request as bytes. `chunks`: how its body is cut; undefined: with a Content-Length. */
interface RawRequest {
  readonly body: FuzzBody;
  readonly headers: Readonly<Record<string, string>>;
  readonly chunks: readonly number[] | undefined;
  readonly shape: (name: string) => string;
  readonly target: string;
}

const rawRequest: fc.Arbitrary<RawRequest> = fc.record({
  body: fuzzBody,
  headers: fuzzHeaders,
  chunks: fc.option(fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 6 }), {
    nil: undefined,
  }),
  shape: fc.constantFrom(
    (name: string) => name,
    (name: string) => name.toUpperCase(),
    (name: string) => name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase()),
  ),
  target: fc.constantFrom('/', '/logs', '/a?b=c', 'http://other/x', '//', '/%zz'),
});

/** Bytes of requests on one connection, cut where the second says, pipelined where the third does. */
interface Line {
  readonly requests: readonly RawRequest[];
  readonly cuts: readonly number[];
  readonly pipelined: boolean;
}

const line: fc.Arbitrary<Line> = fc.record({
  requests: fc.array(rawRequest, { minLength: 1, maxLength: 4 }),
  cuts: fc.array(fc.nat(3_000), { maxLength: 6 }),
  pipelined: fc.boolean(),
});

/** What nobody who may write would send: it must cost the others nothing. */
const noise = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      'GET /healthz HTTP/1.1\r\n\r\n',
      'POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n',
      'POST / HTTP/1.1\r\nContent-Length: x\r\n\r\nabc',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'POST / HTTP/9.9\r\n\r\n',
    )
    .map((text) => Buffer.from(text)),
);

test(
  'requests on raw sockets, however cut, chunked, packed and pipelined, beside noise, are answered 200 in order and stored byte for byte',
  async () => {
    const port = Number(new URL(server.url).port);
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 4 }),
        fc.array(noise, { maxLength: 2 }),
        async (lines, noises) => {
          memory.objects.clear();
          const [answers] = await Promise.all([
            Promise.all(lines.map((one) => converse(port, one))),
            Promise.all(noises.map((bytes) => shout(port, bytes))),
          ]);
          expect(answers).toEqual(lines.map(({ requests }) => requests.map(() => 200)));
          const sent = lines.flatMap(({ requests }) =>
            requests.map(({ body }) => `${hex(body.stored)} ${body.kept ?? ''}`),
          );
          const found = memory.frames().map(({ body, encoding }) => `${body} ${encoding ?? ''}`);
          expect(new Set(found)).toEqual(new Set(sent));
          expect(found.length).toBeLessThanOrEqual(sent.length);
        },
      ),
      fuzzRuns(60),
    );
    const alive = await fetch(new URL('/healthz', server.url));
    expect(alive.status).toBe(200);
  },
  fuzzTimeoutMs,
);

/** The statuses of a connection's answers, in their order. */
async function converse(port: number, { requests, cuts, pipelined }: Line): Promise<number[]> {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    received += chunk;
  });
  const closed = once(socket, 'close');
  const statuses = () =>
    [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  const until = async (count: number) => {
    for (const end = Date.now() + 10_000; statuses().length < count && Date.now() < end; ) {
      if (socket.destroyed) break;
      await Promise.race([once(socket, 'data'), closed]);
    }
  };
  await once(socket, 'connect');
  const pieces = pipelined ? [Buffer.concat(requests.map(bytesOf))] : requests.map(bytesOf);
  for (const [at, piece] of pieces.entries()) {
    await writeInParts(socket, piece, cuts);
    await until(pipelined ? requests.length : at + 1);
  }
  socket.destroy();
  await closed;
  // No answer is in chunks, and each says how long it is: none has a body.
  expect(received).not.toMatch(/transfer-encoding/i);
  expect(received.match(/\r\ncontent-length: 0\r\n/gi) ?? []).toHaveLength(statuses().length);
  return statuses();
}

async function writeInParts(
  socket: ReturnType<typeof connect>,
  bytes: Buffer,
  cuts: readonly number[],
): Promise<void> {
  let from = 0;
  for (const cut of cuts) {
    const until = Math.min(from + cut, bytes.length);
    socket.write(bytes.subarray(from, until));
    from = until;
    await nextTurn();
  }
  socket.write(bytes.subarray(from));
}

async function shout(port: number, bytes: Buffer): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  socket.resume();
  const closed = once(socket, 'close').catch(() => socket.destroy());
  socket.end(bytes);
  await closed;
}

function bytesOf({ body, headers, chunks, shape, target }: RawRequest): Buffer {
  const { sent, encoding } = body;
  const all: Record<string, string> = {
    host: 'receiver',
    ...drainHeaders({}),
    ...headers,
    ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
    ...(chunks === undefined
      ? { 'content-length': String(sent.length) }
      : { 'transfer-encoding': 'chunked' }),
  };
  const rows = Object.entries(all).map(([name, value]) => `${shape(name)}: ${value}\r\n`);
  const head = Buffer.from(`POST ${target} HTTP/1.1\r\n${rows.join('')}\r\n`, 'latin1');
  return Buffer.concat([head, chunks === undefined ? sent : inChunks(sent, chunks)]);
}

function inChunks(body: Uint8Array, sizes: readonly number[]): Buffer {
  const parts: Uint8Array[] = [];
  for (let from = 0, at = 0; from < body.length; at += 1) {
    const part = body.subarray(from, from + (sizes[at % sizes.length] ?? 1) * (1 + (at >> 3)));
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
    from += part.length;
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
