import { Agent, request as httpRequest } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { drainHeaders, drainRequest, frameOf, line } from '../../test/rig/drain.ts';
import { drains, receiverRig } from '../../test/rig/receiver-rig.ts';
import { serve } from '../../test/rig/receiver-socket.ts';
import { encodeFrame } from '../logplex/frame.ts';
import type { Sink } from '../sink/sink.ts';

const planted = 'planted-4711';

/** Sends a frame on one of the agent's connections; resolves to the status. */
function post(url: string, agent: Agent, id: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', agent, headers: drainHeaders({ id }) });
    request.on('response', (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject);
    request.end(frameOf(`frame ${id}`));
  });
}

test('frames of many drains share objects, and the metrics tell how many and how long they waited', async () => {
  const { url, stored, metric } = await serve();
  const agent = new Agent({ keepAlive: true, maxSockets: 24 });
  onTestFinished(() => agent.destroy());
  for (let round = 0; round < 5; round++) {
    const all = Array.from({ length: 24 }, (_, at) => post(url, agent, `${round} ${at}`));
    expect(new Set(await Promise.all(all))).toEqual(new Set([200]));
  }
  const objects = await stored();
  expect(objects.flatMap(({ frames }) => frames)).toHaveLength(120);
  expect(objects.length).toBeLessThan(90);
  expect(await metric('pgwitness_objects_total{prefix="one"}')).toBe(objects.length);
  expect(await metric('pgwitness_frames_per_object_sum')).toBe(120);
  expect(await metric('pgwitness_frames_per_object_count')).toBe(objects.length);
  expect(await metric('pgwitness_group_wait_seconds_count')).toBe(objects.length);
  const put = objects.reduce((sum, { frames }) => sum + frames.length, 0);
  expect(await metric('pgwitness_frames_total{prefix="one",outcome="stored"}')).toBe(put);
});

test('the lag of a frame is the age of its first own line, as far as that can be told', async () => {
  const { receiver, metric } = await receiverRig();
  const old = (ms: number) => new Date(Date.now() - ms).toISOString();
  const post = (timestamp: string) =>
    receiver.handle(drainRequest({ body: encodeFrame([line('x', { timestamp })]) }));
  await post(old(40_000));
  await post(old(-3_000));
  await post('-');
  expect(await metric('pgwitness_lag_seconds_count{prefix="one"}')).toBe(2);
  const sum = await metric('pgwitness_lag_seconds_sum{prefix="one"}');
  expect(sum).toBeGreaterThanOrEqual(40);
  expect(sum).toBeLessThan(45);
  expect(await metric('pgwitness_lag_seconds_bucket{le="30",prefix="one"}')).toBe(1);
});

test('during a rotation the old password works, and is counted until nobody uses it any more', async () => {
  const rotating = [{ ...drains[0], secrets: ['secret-new', 'secret-one'] }] as typeof drains;
  const { receiver, metric, bodies } = await receiverRig({ drains: rotating });
  const old = () => metric('pgwitness_old_secret_frames_total{prefix="one"}');
  const used = () => metric('pgwitness_old_secret_used_timestamp_seconds{user="raxx"}');
  await receiver.handle(drainRequest({ password: 'secret-new' }));
  expect([await old(), await used()]).toEqual([undefined, undefined]);
  await receiver.handle(drainRequest({ password: 'secret-one' }));
  await receiver.handle(drainRequest({ password: 'secret-two' }));
  expect(await old()).toBe(1);
  expect(Math.abs(((await used()) ?? 0) - Date.now() / 1000)).toBeLessThan(60);
  expect(await bodies()).toHaveLength(2);
});

test('retries of a put and frames given up are counted', async () => {
  let fails = 2;
  const sink: Sink = {
    description: 'fails twice',
    put: () => (fails-- > 0 ? Promise.reject(new Error('no')) : Promise.resolve('stored')),
  };
  const { receiver, metric } = await receiverRig({ sink });
  await receiver.handle(drainRequest({}));
  expect(await metric('pgwitness_put_retries_total')).toBe(2);
  fails = 1_000;
  const { receiver: down, metric: metricOfDown } = await receiverRig({ sink, deadlineMs: 200 });
  await down.handle(drainRequest({}));
  expect(await metricOfDown('pgwitness_put_retries_total')).toBeGreaterThan(0);
  expect(await metricOfDown('pgwitness_unavailable_total{prefix="one",reason="sink"}')).toBe(1);
});

test.each<[string, Parameters<typeof receiverRig>[0]]>([
  [
    'a sink’s error',
    { sink: { description: 'quotes', put: () => Promise.reject(new Error(`no ${planted}`)) } },
  ],
  ['a sink’s odd error', { sink: { description: 'quotes', put: () => Promise.reject(planted) } }],
  [
    'a fault of the program',
    {
      now: () => {
        throw new TypeError(`can’t read ${planted}`);
      },
    },
  ],
  [
    'a fault whose message looks like a place',
    {
      now: () => {
        throw new Error(`x\n    at f (/x/${planted}.ts:1:2)\n    at ${planted}.ts:1:2`);
      },
    },
  ],
  [
    'a fault that has a name of the frame’s',
    {
      now: () => {
        const error = new Error(planted);
        error.name = planted;
        throw Object.assign(error, { code: planted });
      },
    },
  ],
])(
  '%s that quotes a frame is answered 503, and neither log nor metrics show the quote',
  async (_, given) => {
    const { receiver, logged } = await receiverRig({ ...given, deadlineMs: 120 });
    const request = drainRequest({ body: frameOf(planted), id: planted, token: planted });
    expect((await receiver.handle(request)).status).toBe(503);
    const metrics = await (await receiver.handle(new Request('http://receiver/metrics'))).text();
    expect(logged.join('')).toMatch(/put failed|something unexpected/);
    expect(logged.join('') + metrics).not.toContain(planted);
    expect(logged.join('')).not.toContain('"at":"unknown"');
  },
);
