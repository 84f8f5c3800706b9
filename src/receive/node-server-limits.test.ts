import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { drainHeaders, frameOf, l10, line } from '../../test/rig/drain.ts';
import { dial, raw, serve } from '../../test/rig/receiver-socket.ts';
import { encodeFrame } from '../logplex/frame.ts';

const { authorization } = drainHeaders({});
const head = (more: string) =>
  `POST / HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n${more}\r\n`;
const statuses = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code));

test('headers that drip are ended with a 503 and their connection closed', async () => {
  const { port } = await serve({}, { headersMs: 300 });
  const line = await dial(port);
  const drip = setInterval(() => line.socket.write('X'), 20);
  line.socket.write('POST / HTTP/1.1\r\nX-');
  expect(await line.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 503 /);
  await line.closed;
  clearInterval(drip);
});

test('a connection that never says a word is closed', async () => {
  const { port } = await serve({}, { headersMs: 200 });
  const line = await dial(port);
  await line.closed;
});

test('connections without a password make room for a drain, and one with a frame on the way does not', async () => {
  const { port, bodies } = await serve({}, { maxConnections: 4 });
  const known = await dial(port);
  known.socket.write(raw(frameOf('first')));
  await known.until(/ 200 OK\r\n/);
  const busy = await dial(port);
  const late = raw(frameOf('late'));
  busy.socket.write(late.subarray(0, -5));
  const strangers = [await dial(port), await dial(port)];
  await sleep(50);
  const drain = await dial(port);
  drain.socket.write(raw(frameOf('second')));
  await drain.until(/ 200 OK\r\n/);
  expect(await strangers[0]?.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 503 /);
  busy.socket.write(late.subarray(-5));
  await busy.until(/ 200 OK\r\n/);
  known.socket.write(raw(frameOf('third')));
  await known.until(/ 200 OK\r\n/);
  expect(await bodies()).toHaveLength(4);
});

test('a drain whose request has thousands of headers is known, and its body counted, all the same', async () => {
  const { port, bodies, metric } = await serve({ deadlineMs: 500 });
  const body = frameOf('behind many headers');
  const many = 'a:\r\n'.repeat(3_900);
  const drain = await dial(port);
  drain.socket.write(
    `POST / HTTP/1.1\r\n${many}Authorization: ${authorization}\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  drain.socket.write(body);
  await drain.until(/ 200 OK\r\n/);
  expect(await bodies()).toEqual([Buffer.from(body)]);
  const slow = await dial(port);
  slow.socket.write(
    `POST / HTTP/1.1\r\nAuthorization: ${authorization}\r\n${many}Content-Length: 300000\r\n\r\n`,
  );
  slow.socket.write(Buffer.alloc(200_000));
  await sleep(100);
  expect(await metric('pgwitness_held_bytes')).toBe(900_000);
  expect(statuses(await slow.until(/\r\n\r\n/))).toEqual([503]);
});

test('one password under two prefixes, with many slow bodies, holds up nobody else', async () => {
  const drains = [
    { app: 'one', prefix: 'one', user: 'raxx', secrets: ['secret-one'], tokens: ['d.one'] },
    { app: 'two', prefix: 'two', user: 'raxx', secrets: ['secret-two'], tokens: ['d.two'] },
  ];
  const { port } = await serve({ drains, deadlineMs: 3_000, maxHeldBytes: 3_000_000 });
  for (let at = 0; at < 60; at++) {
    const slow = await dial(port);
    const token = at % 2 === 0 ? 'd.one' : 'd.nobody';
    slow.socket.write(head(`Logplex-Drain-Token: ${token}\r\nContent-Length: 80000\r\n`));
    slow.socket.write('x');
  }
  await sleep(50);
  const pair = Buffer.from('raxx:secret-two').toString('base64');
  const body = frameOf('x'.repeat(20_000));
  const drain = await dial(port);
  const begin = performance.now();
  drain.socket.write(
    `POST / HTTP/1.1\r\nAuthorization: Basic ${pair}\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  drain.socket.write(body);
  await drain.until(/ 200 OK\r\n/);
  expect(performance.now() - begin).toBeLessThan(1_500);
});

test('packed bodies that come slowly keep no other packed one out', async () => {
  const { port, bodies } = await serve({ deadlineMs: 3_000 });
  for (let at = 0; at < 10; at++) {
    const slow = await dial(port);
    slow.socket.write(head('Content-Encoding: gzip\r\nContent-Length: 80000\r\n'));
    slow.socket.write('x');
  }
  await sleep(50);
  const body = frameOf('packed');
  const drain = await dial(port);
  const begin = performance.now();
  drain.socket.write(raw(gzipSync(body), 'Content-Encoding: gzip\r\n'));
  await drain.until(/ 200 OK\r\n/);
  expect(performance.now() - begin).toBeLessThan(1_500);
  expect(await bodies()).toEqual([Buffer.from(body)]);
});

test('bodies that drip on many connections take no more memory than there is for them, and are all answered 503', async () => {
  const maxHeldBytes = 3_000_000;
  const { port, metric, bodies } = await serve({ deadlineMs: 700, maxHeldBytes });
  const lines = await Promise.all(Array.from({ length: 40 }, () => dial(port)));
  for (const one of lines) one.socket.write(head('Content-Length: 400000\r\n'));
  const drip = setInterval(() => {
    for (const one of lines) if (one.socket.writable) one.socket.write('x'.repeat(100));
  }, 50);
  await sleep(400);
  expect(await metric('pgwitness_held_bytes')).toBeGreaterThan(0);
  expect(await metric('pgwitness_held_bytes')).toBeLessThanOrEqual(maxHeldBytes);
  for (const one of lines) expect(await one.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 503 /);
  await Promise.all(lines.map((one) => one.closed));
  clearInterval(drip);
  await vi.waitFor(async () => expect(await metric('pgwitness_held_bytes')).toBe(0));
  expect(await bodies()).toEqual([]);
});

test('who goes on sending after a 503 gets to read it, and is then cut off', async () => {
  const { port } = await serve({ maxBodyBytes: 1_000 });
  const line = await dial(port);
  line.socket.write(head('Content-Length: 100000000\r\n'));
  const flood = setInterval(() => line.socket.write(Buffer.alloc(20_000)), 5);
  const begin = performance.now();
  expect(await line.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 503 .*\r\nconnection: close/is);
  await line.closed;
  clearInterval(flood);
  expect(performance.now() - begin).toBeLessThan(5_000);
});

test('a gzip bomb is kept as it came, and takes the memory of one body', async () => {
  const { port, stored, metric } = await serve();
  const bomb = gzipSync(Buffer.alloc(40 * 1024 * 1024), { level: 1 });
  const before = process.memoryUsage.rss();
  const line = await dial(port);
  line.socket.write(raw(bomb, 'Content-Encoding: gzip\r\n'));
  await line.until(/ 200 OK\r\n/);
  expect(process.memoryUsage.rss() - before).toBeLessThan(60 * 1024 * 1024);
  expect((await stored())[0]?.frames[0]).toMatchObject({ meta: { encoding: 'gzip' }, body: bomb });
  expect(
    await metric('pgwitness_unparsed_frames_total{prefix="one",reason="gzip-too-large"}'),
  ).toBe(1);
});

test('who waits for 100 Continue gets it, unless the password is wrong or the body too large', async () => {
  const { port, bodies } = await serve({ maxBodyBytes: 1_000 });
  const body = frameOf('continued');
  const good = await dial(port);
  good.socket.write(head(`Content-Length: ${body.length}\r\nExpect: 100-continue\r\n`));
  expect(await good.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 100 Continue\r\n/);
  good.socket.write(body);
  await good.until(/ 200 OK\r\n/);
  const wrong = await dial(port);
  wrong.socket.write(
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n',
  );
  expect(statuses(await wrong.until(/\r\n\r\n/))).toEqual([401]);
  await wrong.closed;
  const large = await dial(port);
  large.socket.write(head('Content-Length: 1001\r\nExpect: 100-continue\r\n'));
  expect(statuses(await large.until(/\r\n\r\n/))).toEqual([503]);
  await large.closed;
  expect(await bodies()).toEqual([Buffer.from(body)]);
});

test('requests sent without waiting for answers are answered in order, each by its own outcome', async () => {
  const { port, bodies } = await serve();
  const line = await dial(port);
  const wrong = Buffer.from('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
  const texts = Array.from({ length: 50 }, (_, at) => `piped ${at}`);
  const all = texts.map((text) => raw(frameOf(text)));
  line.socket.write(Buffer.concat([all[0] as Buffer, wrong, ...all.slice(1)]));
  const seen = await line.until(/(?:HTTP.*?\r\n\r\n){51}/s);
  expect(statuses(seen)).toEqual([200, 401, ...Array(49).fill(200)]);
  const stored = (await bodies()).map((body) => body.toString()).join('');
  for (const text of texts) expect(stored).toContain(text);
});

test('a connection on which hundreds of requests wait unanswered is cut', async () => {
  const hangs = { description: 'hangs', put: () => new Promise<never>(() => undefined) };
  const { port, bodies } = await serve({ sink: hangs, deadlineMs: 3_000 });
  const line = await dial(port);
  line.socket.write(Buffer.concat(Array.from({ length: 1_000 }, () => raw(Buffer.from('x')))));
  // Answered, it would stay open.
  await line.closed;
  expect(await bodies()).toEqual([]);
});

test('a body in chunks of a byte each is taken whole, and an empty one is one too', async () => {
  const { port, bodies } = await serve();
  const line = await dial(port);
  const body = Buffer.from(frameOf('x'.repeat(20_000)));
  const chunks = [...body].map((byte) => Buffer.from([0x31, 13, 10, byte, 13, 10]));
  line.socket.write(head('Transfer-Encoding: chunked\r\n'));
  line.socket.write(Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]));
  await line.until(/ 200 OK\r\n/);
  expect(await bodies()).toEqual([body]);
  line.socket.write(raw(Buffer.alloc(0)));
  await line.until(/ 200 OK\r\n/);
  line.socket.write(head(''));
  await line.until(/ 200 OK\r\n/);
  expect((await bodies()).map(({ length }) => length).sort()).toEqual([0, 0, body.length].sort());
});

test('a frame of log-shuttle (gzip, L12 and L13 in it) is stored unpacked with its losses', async () => {
  const { port, stored, metric } = await serve();
  const shuttle = { pri: 172, procid: 'log-shuttle', app: 'token', msgid: '-' };
  const told = (text: string) => line(text, shuttle);
  const body = encodeFrame([
    told('Error L12: 3 messages dropped since 2026-06-30T10:00:00.123456+00:00'),
    line('a line'),
    told('Error L13: 4 messages lost since 2026-06-30T10:00:01.5+00:00'),
  ]);
  const drain = await dial(port);
  drain.socket.write(
    raw(
      gzipSync(body),
      'Content-Encoding: gzip\r\nLogplex-Msg-Count: 3\r\nLogplex-Frame-Id: x\r\n',
    ),
  );
  await drain.until(/ 200 OK\r\n/);
  expect((await stored())[0]?.frames).toMatchObject([
    { body: Buffer.from(body), meta: { lines: 3, faults: 0, messagesLost: 7, lossesTold: 2 } },
  ]);
  expect(await metric('pgwitness_messages_lost_total{prefix="one",code="L12"}')).toBe(3);
  expect(await metric('pgwitness_messages_lost_total{prefix="one",code="L13"}')).toBe(4);
});

test('a 5 MB batch of a Shield space, without id and token, is alone in its object below the space’s prefix', async () => {
  const drains = [
    { app: 'one', prefix: 'one', user: 'raxx', secrets: ['secret-one'], tokens: [] },
    { app: 'space', prefix: 'space', user: 'space', secrets: ['secret-space'], tokens: [] },
  ];
  const { port, stored } = await serve({ drains });
  const body = Buffer.from(frameOf(...Array.from({ length: 500 }, () => 'y'.repeat(10_000))));
  const pair = Buffer.from('space:secret-space').toString('base64');
  const drain = await dial(port);
  drain.socket.write(
    `POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${pair}\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  drain.socket.write(body);
  await drain.until(/ 200 OK\r\n/);
  const [object, ...rest] = await stored();
  expect(rest).toEqual([]);
  expect(object?.key).toMatch(/^logs\/space\//);
  expect(object?.frames).toMatchObject([{ meta: { lines: 500, bytes: body.length } }]);
});

test('a drain of Logplex whose frame is answered 503 and comes again with its L10 rendered anew is stored once', async () => {
  const lines = encodeFrame([line('the line', { timestamp: new Date().toISOString() })]);
  const tries = ['01', '02.25', '03'].map((second) =>
    Buffer.concat([l10(9, `2026-06-30T10:00:${second}+00:00`), lines]),
  );
  let down = true;
  const { receiver: _, ...rig } = await serve();
  const put = rig.sink.put.bind(rig.sink);
  // Persists each time, and the first two times nobody hears of it.
  const sink = {
    ...rig.sink,
    put: async (key: string, body: Uint8Array) => {
      const outcome = await put(key, body);
      if (down) throw new Error('cut');
      return outcome;
    },
  };
  const { port } = await serve({ sink, deadlineMs: 150 });
  const drain = await dial(port);
  const seen: number[] = [];
  for (const [at, body] of tries.entries()) {
    down = at < 2;
    drain.socket.write(raw(body, 'Logplex-Frame-Id: 09C557EAFCFB6CF2740EE62F62971098\r\n'));
    seen.push(...statuses(await drain.until(/\r\n\r\n/)));
  }
  expect(seen).toEqual([503, 503, 200]);
  expect(await rig.bodies()).toEqual([tries[0]]);
});

test('a body that no header announces, of a frame that says it has lines, is not acknowledged', async () => {
  const { port, bodies } = await serve();
  for (const version of ['1.0', '1.1']) {
    const drain = await dial(port);
    drain.socket.write(
      `POST / HTTP/${version}\r\nAuthorization: ${authorization}\r\nLogplex-Msg-Count: 1\r\n\r\n`,
    );
    await sleep(50);
    drain.socket.write(frameOf('until the connection ends'));
    expect(await drain.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 503 /);
  }
  expect(await bodies()).toEqual([]);
});

test('connections that idle behind a frame make room for a newcomer, the longest idle one first', async () => {
  const { port } = await serve({}, { maxConnections: 3 });
  const drains = [await dial(port), await dial(port), await dial(port)] as const;
  for (const at of [0, 1, 2, 0] as const) {
    drains[at].socket.write(raw(frameOf(`of ${at}`)));
    await drains[at].until(/ 200 OK\r\n/);
  }
  const newcomer = await dial(port);
  newcomer.socket.write(raw(frameOf('new')));
  await newcomer.until(/ 200 OK\r\n/);
  await drains[1].closed;
  for (const at of [0, 2] as const) {
    drains[at].socket.write(raw(frameOf(`again of ${at}`)));
    await drains[at].until(/ 200 OK\r\n/);
  }
});

test('who is answered 401 is told in the log once a minute, with an address and nothing that was sent', async () => {
  const { port, logged } = await serve();
  const pair = Buffer.from('some-user:a-wrong-password').toString('base64');
  for (const _ of [1, 2, 3]) {
    const drain = await dial(port);
    drain.socket.write(
      `POST / HTTP/1.1\r\nAuthorization: Basic ${pair}\r\nContent-Length: 0\r\n\r\n`,
    );
    await drain.until(/ 401 /);
  }
  const told = logged.filter((text) => text.includes('401'));
  expect(told.map((text) => JSON.parse(text))).toMatchObject([
    { level: 40, address: expect.stringMatching(/127\.0\.0\.1$/) },
  ]);
  expect(logged.join('')).not.toMatch(/some-user|a-wrong-password/);
  expect(logged.join('')).not.toContain(pair);
});

test('a frame without a token where apps share a password is told as that', async () => {
  const both = { user: 'raxx', secrets: ['secret-one'] };
  const drains = [
    { app: 'one', prefix: 'one', ...both, tokens: ['d.one'] },
    { app: 'two', prefix: 'two', ...both, tokens: ['d.two'] },
  ];
  const { port, logged } = await serve({ drains });
  const drain = await dial(port);
  drain.socket.write(raw(frameOf('whose')));
  await drain.until(/ 200 OK\r\n/);
  expect(logged.join('')).toContain('a frame without a drain token');
  expect(logged.join('')).not.toContain('pin it');
});
