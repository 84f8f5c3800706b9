import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { drainRequest, frameOf, l10, line } from '../../test/rig/drain.ts';
import { drains, receiverRig } from '../../test/rig/receiver-rig.ts';
import { encodeFrame } from '../logplex/frame.ts';
import { parseObjectKey } from '../sink/object-key.ts';
import type { Sink } from '../sink/sink.ts';

const id = '09C557EAFCFB6CF2740EE62F62971098';
const now = new Date().toISOString();
const frameAt = (...texts: string[]) =>
  encodeFrame(texts.map((text) => line(text, { timestamp: now })));
const lossOf = (count: number, since?: string) => l10(count, new Date().toISOString(), since);

test('a frame is answered 200 with Content-Length 0 and stands in the archive as it was sent', async () => {
  const { receiver, stored } = await receiverRig();
  const body = frameOf('one', 'two\twith a tab', 'drei äöü');
  const response = await receiver.handle(
    drainRequest({ body, id, headers: { 'logplex-msg-count': '3' } }),
  );
  expect(response.status).toBe(200);
  expect(response.headers.get('content-length')).toBe('0');
  const [object, ...rest] = await stored();
  expect(rest).toEqual([]);
  expect(object?.key).toMatch(/^logs\/one\/\d{4}\/\d\d\/\d\d\/\d{13}-/);
  expect(object?.frames).toMatchObject([
    { kind: 'frame', meta: { id, count: 3, lines: 3, faults: 0, losses: [] } },
  ]);
  expect(object?.frames[0]).toHaveProperty('body', Buffer.from(body));
});

test('two tries of a frame whose loss line is rendered anew make one object, and both are acknowledged', async () => {
  const { receiver, bodies, metric } = await receiverRig();
  const lines = encodeFrame([line('the line', { timestamp: new Date().toISOString() })]);
  const first = Buffer.concat([l10(3, '2026-06-30T10:00:01+00:00'), lines]);
  const retry = Buffer.concat([l10(3, '2026-06-30T10:00:04.5+00:00'), lines]);
  for (const body of [first, retry]) {
    expect((await receiver.handle(drainRequest({ body, id, token: 'd.x' }))).status).toBe(200);
  }
  expect(await bodies()).toEqual([first]);
  expect(await metric('pgwitness_frames_total{prefix="one",outcome="exists"}')).toBe(1);
  expect(await metric('pgwitness_messages_lost_total{prefix="one",code="L10"}')).toBe(3);
});

test.each<[string, Uint8Array, Uint8Array]>([
  ['other lines', frameAt('insert first'), frameAt('delete from users -- second')],
  ['one more line behind the same ones', frameAt('a'), frameAt('a', 'b')],
  ['a loss that the first did not tell', frameAt('a'), Buffer.concat([lossOf(7), frameAt('a')])],
  [
    'a loss that has grown',
    Buffer.concat([lossOf(7), frameAt('a')]),
    Buffer.concat([lossOf(8), frameAt('a')]),
  ],
  [
    'a loss of another span',
    Buffer.concat([lossOf(7), frameAt('a')]),
    Buffer.concat([lossOf(7, '2026-06-30T10:00:03+00:00'), frameAt('a')]),
  ],
  ['other bytes that are no line', Buffer.from('torn one'), Buffer.from('torn two')],
])('a second body under the same id and time is stored as well: %s', async (_, first, second) => {
  const { receiver, bodies, metric } = await receiverRig();
  for (const body of [first, second]) {
    expect((await receiver.handle(drainRequest({ body, id, token: 'd.x' }))).status).toBe(200);
  }
  const stored = await bodies();
  expect(stored).toHaveLength(2);
  expect(stored).toEqual(expect.arrayContaining([first, second].map((body) => Buffer.from(body))));
  expect(await metric('pgwitness_frames_total{prefix="one",outcome="stored"}')).toBe(2);
  for (const body of [first, second])
    await receiver.handle(drainRequest({ body, id, token: 'd.x' }));
  expect(await bodies()).toHaveLength(2);
});

test('a frame that is stored is acknowledged though neither log nor metrics can take it', async () => {
  const full = () => {
    throw new Error('ENOSPC');
  };
  const log = pino({ level: 'debug' }, { write: full });
  const { receiver, bodies, metric } = await receiverRig({ log });
  const body = Buffer.from('not a line');
  expect((await receiver.handle(drainRequest({ body }))).status).toBe(200);
  expect(await bodies()).toEqual([body]);
  expect(await metric('pgwitness_untold_frames_total')).toBe(1);
});

test('thousands of loss lines are one line of the log, and their sum is told', async () => {
  const { receiver, logged, metric, stored } = await receiverRig();
  const body = Buffer.concat(Array.from({ length: 5_000 }, () => lossOf(2)));
  expect((await receiver.handle(drainRequest({ body, id }))).status).toBe(200);
  expect(logged.filter((row) => row.includes('lost messages'))).toHaveLength(1);
  expect(await metric('pgwitness_loss_lines_total{prefix="one",code="L10"}')).toBe(5_000);
  expect(await metric('pgwitness_messages_lost_total{prefix="one",code="L10"}')).toBe(10_000);
  expect((await stored())[0]?.frames).toMatchObject([
    { meta: { lines: 5_000, lossesTold: 5_000, messagesLost: 10_000 } },
  ]);
});

test('a body that came too late counts until its sender is done with it', async () => {
  const { receiver, metric } = await receiverRig({ deadlineMs: 100 });
  let more: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (stream) => {
      more = stream;
    },
  });
  const init = { method: 'POST', headers: drainRequest({}).headers, body, duplex: 'half' };
  const request = new Request('http://receiver/', init as RequestInit);
  expect((await receiver.handle(request)).status).toBe(503);
  expect(await metric('pgwitness_held_bytes')).toBeGreaterThan(0);
  more?.error(new Error('closed'));
  await vi.waitFor(async () => expect(await metric('pgwitness_held_bytes')).toBe(0));
});

test('bodies that take all the memory for large ones leave a normal frame its own', async () => {
  const { receiver, metric } = await receiverRig({ deadlineMs: 1_500, maxHeldBytes: 9_000_000 });
  const stalled = () => {
    const body = new ReadableStream({ start: (stream) => stream.enqueue(Buffer.from('83 <')) });
    const { headers } = drainRequest({});
    const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit;
    return receiver.handle(new Request('http://receiver/', init));
  };
  const large = Promise.all([stalled(), stalled(), stalled()]);
  const body = frameOf('a normal one');
  const headers = { 'content-length': String(body.length) };
  expect((await receiver.handle(drainRequest({ body, headers }))).status).toBe(200);
  expect(await metric('pgwitness_held_bytes')).toBe(2_250_000);
  expect((await large).map(({ status }) => status)).toEqual([503, 503, 503]);
});

test.each([
  ['old', '2012-11-30T06:45:29+00:00'],
  ['from the future', '2999-11-30T06:45:29+00:00'],
])(
  'a retry of a frame with lines that are %s finds the key of its first try',
  async (_, timestamp) => {
    const { receiver, stored } = await receiverRig();
    const body = encodeFrame([line('x', { timestamp })]);
    for (const again of [body, body]) await receiver.handle(drainRequest({ body: again, id }));
    const objects = await stored();
    expect(objects).toHaveLength(1);
    // Where the archive's readers look: by its arrival.
    expect(Math.abs((parseObjectKey(objects[0]?.key ?? '')?.time ?? 0) - Date.now())).toBeLessThan(
      60_000,
    );
  },
);

test('equal frames without an id are two objects: nothing says that one is a retry', async () => {
  const { receiver, bodies } = await receiverRig();
  const body = frameOf('same');
  for (const again of [body, body]) await receiver.handle(drainRequest({ body: again }));
  expect(await bodies()).toHaveLength(2);
});

test('an unterminated L10 is a counted fact and no fault', async () => {
  const { receiver, stored, metric } = await receiverRig();
  const body = Buffer.concat([l10(42, '2026-06-30T10:00:01.25+00:00'), frameOf('next')]);
  await receiver.handle(drainRequest({ body, id, headers: { 'logplex-msg-count': '2' } }));
  expect((await stored())[0]?.frames).toMatchObject([
    {
      meta: {
        count: 2,
        lines: 2,
        faults: 0,
        messagesLost: 42,
        losses: [{ code: 'L10', count: 42, since: '2026-06-30T10:00:00+00:00' }],
      },
    },
  ]);
  expect(await metric('pgwitness_messages_lost_total{prefix="one",code="L10"}')).toBe(42);
  expect(await metric('pgwitness_miscounted_frames_total{prefix="one"}')).toBeUndefined();
});

test.each([
  ['no frame at all', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['random bytes', randomBytes(3_000)],
  ['nothing', Buffer.alloc(0)],
  ['a frame cut in the middle', Buffer.from(frameOf('a'.repeat(500))).subarray(0, 200)],
  ['a count beyond all', Buffer.from('99999999999999999999 <1>1 x')],
])('%s from an authenticated drain is stored as it came', async (name, body) => {
  const { receiver, bodies, metric } = await receiverRig();
  const request = drainRequest({ body, id, headers: { 'logplex-msg-count': '1' } });
  expect((await receiver.handle(request)).status).toBe(200);
  expect(await bodies()).toEqual([body]);
  const torn = await metric('pgwitness_unparsed_frames_total{prefix="one",reason="torn"}');
  expect(torn).toBe(name === 'nothing' ? undefined : 1);
  expect(await metric('pgwitness_miscounted_frames_total{prefix="one"}')).toBe(1);
});

test('a gzip body (log-shuttle) is stored unpacked', async () => {
  const { receiver, bodies } = await receiverRig();
  const body = Buffer.from(frameOf('x'.repeat(2_000)));
  // Two members: both are the body.
  const packed = Buffer.concat([gzipSync(body.subarray(0, 700)), gzipSync(body.subarray(700))]);
  await receiver.handle(drainRequest({ body: packed, headers: { 'content-encoding': 'gzip' } }));
  expect(await bodies()).toEqual([body]);
});

test.each([
  ['gzip', 'gzip-corrupt', Buffer.from('no gzip')],
  ['gzip', 'gzip-corrupt', Buffer.concat([gzipSync('x'), Buffer.from('and more')])],
  ['gzip', 'gzip-too-large', gzipSync(Buffer.alloc(200_000))],
  ['br', 'encoding-unknown', Buffer.from('whatever')],
])(
  'a %s body that can’t be unpacked (%s) is kept packed, and its encoding told',
  async (encoding, reason, body) => {
    const { receiver, stored, metric } = await receiverRig({ maxBodyBytes: 100_000 });
    const response = await receiver.handle(
      drainRequest({ body, headers: { 'content-encoding': encoding } }),
    );
    expect(response.status).toBe(200);
    const [object] = await stored();
    expect(object?.frames).toMatchObject([{ kind: 'frame', meta: { encoding, faults: 1 } }]);
    expect(object?.frames[0]).toHaveProperty('body', body);
    expect(await metric(`pgwitness_unparsed_frames_total{prefix="one",reason="${reason}"}`)).toBe(
      1,
    );
  },
);

test('a body of Shield size is taken whole', async () => {
  const { receiver, bodies } = await receiverRig();
  const body = Buffer.from(
    frameOf(...Array.from({ length: 500 }, () => randomBytes(5_000).toString('hex'))),
  );
  expect(body.length).toBeGreaterThan(5_000_000);
  expect((await receiver.handle(drainRequest({ body }))).status).toBe(200);
  expect((await bodies())[0]?.equals(body)).toBe(true);
});

test('a body over the limit is answered 503, announced or not, and nothing of it is stored', async () => {
  const { receiver, bodies, metric } = await receiverRig({ maxBodyBytes: 1_000 });
  const body = Buffer.alloc(1_001, 'x');
  const inChunks = drainRequest({ body });
  const announced = drainRequest({ body, headers: { 'content-length': '1001' } });
  for (const request of [inChunks, announced]) {
    expect((await receiver.handle(request)).status).toBe(503);
  }
  expect(await bodies()).toEqual([]);
  expect(await metric('pgwitness_unavailable_total{prefix="one",reason="too-large"}')).toBe(2);
});

test('a body that does not come to its end in time is answered 503', async () => {
  const { receiver, bodies } = await receiverRig({ deadlineMs: 100 });
  const body = new ReadableStream({ start: (stream) => stream.enqueue(Buffer.from('83 <')) });
  const request = new Request('http://receiver/', {
    method: 'POST',
    headers: drainRequest({}).headers,
    body,
    duplex: 'half',
  } as RequestInit);
  expect((await receiver.handle(request)).status).toBe(503);
  expect(await bodies()).toEqual([]);
});

test('requests beyond the memory budget wait their turn and are all stored', async () => {
  const { receiver, bodies, metric } = await receiverRig({ maxHeldBytes: 2_000 });
  const requests = Array.from({ length: 20 }, (_, at) => {
    const body = frameOf(String(at).padStart(700, 'x'));
    return drainRequest({ body, headers: { 'content-length': String(body.length) } });
  });
  const statuses = await Promise.all(
    requests.map(async (one) => (await receiver.handle(one)).status),
  );
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(await bodies()).toHaveLength(20);
  expect(await metric('pgwitness_held_bytes')).toBe(0);
});

test.each([
  ['no Authorization', undefined],
  ['another scheme', 'Bearer abc'],
  ['no base64', 'Basic %%%'],
  ['a wrong password', `Basic ${Buffer.from('raxx:wrong').toString('base64')}`],
  ['another user’s password', `Basic ${Buffer.from('raxx:secret-two').toString('base64')}`],
  ['no password', `Basic ${Buffer.from('raxx:').toString('base64')}`],
  ['a password cut short', `Basic ${Buffer.from('raxx:secret-on').toString('base64')}`],
])('%s is answered 401, and nothing is stored', async (_, authorization) => {
  const { receiver, bodies } = await receiverRig();
  const headers = authorization === undefined ? {} : { authorization };
  const request = new Request('http://receiver/', {
    method: 'POST',
    headers,
    body: new Uint8Array(frameOf('x')),
  });
  const response = await receiver.handle(request);
  expect(response.status).toBe(401);
  expect(response.headers.get('content-length')).toBe('0');
  expect(await bodies()).toEqual([]);
});

test('what is no POST is answered 405', async () => {
  const { receiver } = await receiverRig();
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
    const response = await receiver.handle(new Request('http://receiver/logs', { method }));
    expect([method, response.status, response.headers.get('allow')]).toEqual([method, 405, 'POST']);
  }
});

test('apps that share a password are told apart by their drain tokens; a token nobody pinned is kept apart and told', async () => {
  const { receiver, stored, metric, logged } = await receiverRig();
  const shared = { user: 'shared', password: 'secret-two' };
  for (const token of ['d.prod', 'd.staging', 'd.unknown', '../../prod', undefined]) {
    const post = { ...shared, id, ...(token === undefined ? {} : { token }) };
    expect((await receiver.handle(drainRequest(post))).status).toBe(200);
  }
  const prefixes = (await stored()).map((object) => parseObjectKey(object.key)?.prefix);
  expect(prefixes).toEqual([
    'prod',
    'staging',
    'unclaimed-shared',
    'unclaimed-shared',
    'unclaimed-shared',
  ]);
  expect(await metric('pgwitness_unclaimed_frames_total{prefix="unclaimed-shared"}')).toBe(3);
  expect(logged.join('')).toContain('d.unknown');
  expect(logged.join('')).not.toContain('../../prod');
});

test('while the sink fails it is tried again inside the deadline', async () => {
  let fails = 2;
  const real = await receiverRig();
  const sink: Sink = {
    description: 'a sink that fails twice',
    async put() {
      if (fails-- > 0) throw new Error('not now');
      return 'stored';
    },
  };
  const { receiver, metric } = await receiverRig({ sink });
  expect((await receiver.handle(drainRequest({}))).status).toBe(200);
  expect(await metric('pgwitness_put_retries_total')).toBe(2);
  expect(await real.bodies()).toEqual([]);
});

test('a sink that stays down costs most of the deadline and then 503, and readiness tells', async () => {
  const sink: Sink = { description: 'down', put: () => Promise.reject(new Error('down')) };
  let now = Date.now();
  const { receiver } = await receiverRig({ sink, deadlineMs: 400, now: () => now });
  const ready = async () => (await receiver.handle(new Request('http://receiver/readyz'))).status;
  expect(await ready()).toBe(200);
  const begin = performance.now();
  const response = await receiver.handle(drainRequest({}));
  expect(response.status).toBe(503);
  expect(response.headers.get('content-length')).toBe('0');
  expect(performance.now() - begin).toBeGreaterThan(350);
  expect(performance.now() - begin).toBeLessThan(900);
  expect(await ready()).toBe(503);
  now += 31_000;
  expect(await ready()).toBe(200);
});

test('health and metrics answer without a password', async () => {
  const { receiver } = await receiverRig();
  await receiver.handle(drainRequest({}));
  const health = await receiver.handle(new Request('http://receiver/healthz'));
  expect([health.status, await health.text()]).toEqual([200, 'alive\n']);
  const ready = await receiver.handle(new Request('http://receiver/readyz'));
  expect([ready.status, await ready.text()]).toEqual([200, 'storing\n']);
  const metrics = await receiver.handle(new Request('http://receiver/metrics'));
  expect(await metrics.text()).toMatch(/^pgwitness_last_put_age_seconds 0/m);
});

test('no text of a line, no password and no unchecked header gets into log or metrics', async () => {
  const { receiver, logged } = await receiverRig();
  const planted = 'planted-4711';
  for (const body of [frameOf(planted), Buffer.from(planted), gzipSync(planted)]) {
    await receiver.handle(
      drainRequest({
        body,
        id: planted,
        token: planted,
        headers: {
          'logplex-msg-count': planted,
          'user-agent': planted,
          'content-encoding': planted,
        },
      }),
    );
    await receiver.handle(drainRequest({ body, password: planted }));
    await receiver.handle(
      drainRequest({ body, id: planted, token: planted, user: 'shared', password: 'secret-two' }),
    );
  }
  const metrics = await (await receiver.handle(new Request('http://receiver/metrics'))).text();
  const seen = logged.join('') + metrics;
  expect(seen).toContain('frame stored');
  expect(seen).not.toContain(planted);
  for (const { secrets } of drains)
    for (const secret of secrets) expect(seen).not.toContain(secret);
});
