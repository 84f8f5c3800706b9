import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { drainRequest, frameOf } from '../../test/rig/drain.ts';
import { type DiskFault, type DiskStep, faultyDisk } from '../../test/rig/faulty-disk.ts';
import { receiverRig } from '../../test/rig/receiver-rig.ts';
import { listed } from '../../test/rig/sink-conformance.ts';
import { noSmallDisk, smallDisk } from '../../test/rig/small-disk.ts';
import { folderArchive } from '../sink/folder-archive.ts';
import { openFolderSink } from '../sink/folder-sink.ts';
import { readFrames } from '../sink/read-frames.ts';
import type { PutOutcome, Sink } from '../sink/sink.ts';

const id = '09C557EAFCFB6CF2740EE62F62971098';
const steps: readonly DiskStep[] = [
  'makeDirectory',
  'writeFile',
  'link',
  'unlink',
  'syncDirectory',
];
const faults: readonly DiskFault[] = ['fails', 'fails but persisted', 'slow', 'hangs'];

/** What the client sees while a step of the disk misbehaves. Only what is durable may be a 200. */
const answers: Readonly<Record<DiskStep, Readonly<Record<DiskFault, 200 | 503>>>> = {
  // A folder that is there in spite of the error is there: its name is synced like any other's.
  makeDirectory: { fails: 503, 'fails but persisted': 200, slow: 200, hangs: 503 },
  writeFile: { fails: 503, 'fails but persisted': 503, slow: 200, hangs: 503 },
  // The second try finds the key taken, by itself.
  link: { fails: 503, 'fails but persisted': 200, slow: 200, hangs: 503 },
  // The file aside is rubbish once the object stands; a crash leaves it too.
  unlink: { fails: 200, 'fails but persisted': 200, slow: 200, hangs: 503 },
  syncDirectory: { fails: 503, 'fails but persisted': 503, slow: 200, hangs: 503 },
};

describe.each(steps)('%s', (step) => {
  test.each(faults)(
    '%s: only what is durable is acknowledged, and the retry makes one object',
    async (fault) => {
      const { disk, breaks, heals } = faultyDisk(step, fault);
      // Long enough where it must succeed, on any machine; short where it can't.
      const deadlineMs = answers[step][fault] === 200 ? 4_500 : 350;
      const { receiver, bodies, stored } = await receiverRig({ disk, deadlineMs });
      const body = frameOf(`${step} ${fault}`);
      const post = () => receiver.handle(drainRequest({ body, id }));
      // The first put makes the day's folder: its steps are part of the way.
      breaks();
      const begin = performance.now();
      const first = await post();
      expect(performance.now() - begin).toBeLessThan(deadlineMs + 2_000);
      expect(first.status).toBe(answers[step][fault]);
      if (first.status === 200) expect(await bodies()).toEqual([Buffer.from(body)]);
      for (const object of await stored()) {
        expect(object.frames).toMatchObject([{ kind: 'frame', body: Buffer.from(body) }]);
      }
      heals();
      let status = 0;
      // As a drain: it tries again.
      for (let tries = 0; status !== 200 && tries < 10; tries++) status = (await post()).status;
      expect(status).toBe(200);
      expect(await bodies()).toEqual([Buffer.from(body)]);
    },
  );
});

/** A sink that keeps objects, with a put that misbehaves as told. */
function scriptedSink(
  script: readonly ('ok' | 'throws' | 'keeps and throws' | 'hangs' | 'slow')[],
) {
  const objects = new Map<string, Uint8Array>();
  let puts = 0;
  const put = async (key: string, body: Uint8Array): Promise<PutOutcome> => {
    const act = script[Math.min(puts++, script.length - 1)];
    if (act === 'hangs') return new Promise(() => undefined);
    if (act === 'slow') await new Promise((resolve) => setTimeout(resolve, 200));
    if (act === 'throws') throw new Error('refused');
    const outcome = objects.has(key) ? 'exists' : 'stored';
    if (outcome === 'stored') objects.set(key, body);
    if (act === 'keeps and throws') throw new Error('connection cut');
    return outcome;
  };
  const sink: Sink = { description: 'scripted', put };
  return { sink, objects };
}

test.each([
  [['keeps and throws', 'ok'], undefined],
  [['keeps and throws', 'ok'], id],
  [['throws', 'keeps and throws', 'throws', 'ok'], undefined],
  [['slow'], undefined],
] as const)('the retries of one frame make one object (%j, id %s)', async (script, given) => {
  const { sink, objects } = scriptedSink(script);
  const { receiver } = await receiverRig({ sink, deadlineMs: 2_000 });
  const post = given === undefined ? {} : { id: given };
  expect((await receiver.handle(drainRequest(post))).status).toBe(200);
  expect(objects.size).toBe(1);
});

test('a put that hangs is overtaken by another one within the deadline', async () => {
  const { sink, objects } = scriptedSink(['hangs', 'ok']);
  const { receiver, metric } = await receiverRig({ sink });
  const begin = performance.now();
  expect((await receiver.handle(drainRequest({}))).status).toBe(200);
  expect(performance.now() - begin).toBeLessThan(4_000);
  expect(objects.size).toBe(1);
  // The first put still holds the body: its memory is not free.
  expect(await metric('pgwitness_held_bytes')).toBeGreaterThan(0);
});

test('hanging puts fill the memory budget and no more: what comes then waits and is answered 503', async () => {
  const { sink } = scriptedSink(['hangs']);
  const { receiver, metric } = await receiverRig({ sink, deadlineMs: 150, maxHeldBytes: 300 });
  const body = frameOf('x'.repeat(40));
  const headers = { 'content-length': String(body.length) };
  for (let at = 0; at < 5; at++) {
    expect((await receiver.handle(drainRequest({ body, headers }))).status).toBe(503);
  }
  expect(await metric('pgwitness_held_bytes')).toBeLessThanOrEqual(300);
  expect(await metric('pgwitness_unavailable_total{prefix="one",reason="busy"}')).toBeGreaterThan(
    0,
  );
});

test.skipIf(noSmallDisk !== '')(
  `on a full disk a frame is answered 503 and its retry stored once there is space${noSmallDisk && ` (skipped: ${noSmallDisk})`}`,
  async () => {
    const disk = smallDisk('1m');
    const folder = join(disk, 'archive');
    const sink = await openFolderSink(folder);
    const { receiver, logged } = await receiverRig({ sink, deadlineMs: 1_500 });
    // Text that does not compress, larger than what is left.
    const body = frameOf(randomBytes(300_000).toString('base64'));
    await writeFile(join(disk, 'ballast'), Buffer.alloc(800_000));
    const post = async () => (await receiver.handle(drainRequest({ body, id }))).status;
    expect(await post()).toBe(503);
    expect(await listed(folderArchive(folder), '')).toEqual([]);
    expect(logged.join('')).toContain('sink.disk-full');
    await rm(join(disk, 'ballast'));
    expect(await post()).toBe(200);
    const [object, ...rest] = await listed(folderArchive(folder), '');
    expect(rest).toEqual([]);
    const [frame] = readFrames(await folderArchive(folder).read(object?.key ?? ''));
    expect(frame).toMatchObject({ kind: 'frame', body: Buffer.from(body) });
  },
);
