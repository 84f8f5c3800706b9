import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { drainHeaders, frameOf } from '../../test/rig/drain.ts';
import { receiverRig } from '../../test/rig/receiver-rig.ts';
import { dial, raw, serve } from '../../test/rig/receiver-socket.ts';
import type { Sink } from '../sink/sink.ts';
import { listen } from './node-server.ts';

test('frames follow each other on one connection, each answered with Content-Length and never in chunks', async () => {
  const { port, bodies } = await serve();
  const line = await dial(port);
  for (let at = 0; at < 3; at++) {
    line.socket.write(raw(frameOf(`frame ${at}`)));
    const answer = await line.until(/\r\n\r\n/);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/\r\ncontent-length: 0\r\n/i);
    expect(answer).toMatch(/\r\nconnection: keep-alive\r\n/i);
    // Logplex keeps a connection idle for up to 300 s.
    expect(Number(/\r\nkeep-alive: timeout=(\d+)/i.exec(answer)?.[1])).toBeGreaterThan(300);
    expect(answer).not.toMatch(/transfer-encoding/i);
  }
  expect(await bodies()).toHaveLength(3);
});

test('every answer has a length: 401, 405, 503, health and metrics', async () => {
  const sink: Sink = { description: 'down', put: () => Promise.reject(new Error('down')) };
  const { port } = await serve({ sink, deadlineMs: 100 });
  const line = await dial(port);
  for (const [request, status] of [
    [Buffer.from('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n'), 401],
    [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 405],
    [raw(frameOf('x')), 503],
    [Buffer.from('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'), 200],
    [Buffer.from('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'), 200],
  ] as const) {
    line.socket.write(request);
    const answer = await line.until(/\r\n\r\n/);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toMatch(/\r\ncontent-length: \d+\r\n/i);
    expect(answer).not.toMatch(/transfer-encoding/i);
    await sleep(20);
    await line.until(/^/);
  }
});

test('a wrong password with a large body is answered 401 without the body being taken', async () => {
  const { port, bodies } = await serve();
  const line = await dial(port);
  line.socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n\r\nabc');
  expect(await line.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 401 /);
  await line.closed;
  expect(await bodies()).toEqual([]);
});

test.each([
  ['no HTTP', 'NONSENSE\r\n\r\n'],
  ['a header that is too large', `POST / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx'],
  [
    'length and chunks',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
])('%s ends politely and not with a 4xx, which a drain takes as final', async (_, text) => {
  const { port } = await serve();
  const line = await dial(port);
  line.socket.write(text);
  expect(await line.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 503 /);
  await line.closed;
});

test('a drain that dribbles its body is answered 503 at the deadline, and its connection closed', async () => {
  const { port, bodies } = await serve({ deadlineMs: 200 });
  const line = await dial(port);
  line.socket.write(raw(frameOf('x'.repeat(5_000))).subarray(0, 1_000));
  expect(await line.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 503 /);
  await line.closed;
  expect(await bodies()).toEqual([]);
});

test('a body cut off with its connection is not stored', async () => {
  const { port, bodies, metric } = await serve();
  const line = await dial(port);
  line.socket.write(raw(frameOf('x'.repeat(5_000))).subarray(0, 1_000));
  await sleep(50);
  line.socket.destroy();
  for (
    let at = 0;
    at < 100 && (await metric('pgwitness_unavailable_total{prefix="one",reason="cut"}')) !== 1;
    at++
  ) {
    await sleep(10);
  }
  expect(await metric('pgwitness_unavailable_total{prefix="one",reason="cut"}')).toBe(1);
  expect(await metric('pgwitness_held_bytes')).toBe(0);
  expect(await bodies()).toEqual([]);
});

/** A sink whose puts wait until they are let go. */
function gate() {
  const keys: string[] = [];
  const waiting: (() => void)[] = [];
  const sink: Sink = {
    description: 'gate',
    async put(key) {
      keys.push(key);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return 'stored';
    },
  };
  return { sink, keys, letGo: () => waiting.forEach((go) => void go()) };
}

test('a stop lets the frame in flight finish, closes idle connections at once and takes no new one', async () => {
  const { sink, keys, letGo } = gate();
  const { port, stop, done } = await serve({ sink });
  const idle = await dial(port);
  const busy = await dial(port);
  busy.socket.write(raw(frameOf('in flight')));
  while (keys.length === 0) await sleep(5);
  stop.abort();
  await idle.closed;
  await expect(dialOnce(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  letGo();
  const answer = await busy.until(/\r\n\r\n/);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(answer).toMatch(/\r\nconnection: close\r\n/i);
  await busy.closed;
  await done;
});

async function dialOnce(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect').finally(() => socket.destroy());
}

test('what hangs at a stop is cut off after the grace', async () => {
  const { port, stop, done } = await serve({}, { graceMs: 100 });
  const line = await dial(port);
  line.socket.write('POST / HTTP/1.1\r\nHost: x\r\n');
  await sleep(30);
  stop.abort();
  await done;
  await line.closed;
});

test('many drains at once are all answered and stored once', async () => {
  const { url, bodies } = await serve();
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  onTestFinished(() => agent.destroy());
  const post = (at: number) =>
    new Promise<number>((resolve, reject) => {
      const id = at.toString(16).toUpperCase().padStart(32, '0');
      const request = httpRequest(url, { method: 'POST', agent, headers: drainHeaders({ id }) });
      request.on('response', (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      });
      request.on('error', reject);
      request.end(frameOf(`frame ${at}`));
    });
  const statuses = await Promise.all(Array.from({ length: 60 }, (_, at) => post(at)));
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(new Set((await bodies()).map((body) => body.toString('latin1'))).size).toBe(60);
});

test('a port in use and an address of another machine are told with what to do', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(() => {
    other.close();
  });
  const { receiver } = await receiverRig();
  const { port } = other.address() as { port: number };
  const signal = new AbortController().signal;
  await expect(listen({ host: '127.0.0.1', port, receiver, signal })).rejects.toMatchObject({
    code: 'receive.port-in-use',
    exit: 3,
    message: expect.stringContaining(String(port)),
  });
  await expect(listen({ host: '192.0.2.1', port: 0, receiver, signal })).rejects.toMatchObject({
    code: 'receive.no-such-host',
    exit: 2,
  });
});
