import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FrameFacts, mostMetaBytes, packFrame } from './frame-object.ts';
import { readFrames } from './read-frames.ts';

const facts: FrameFacts = {
  id: '09C557EAFCFB6CF2740EE62F62971098',
  token: 'd.9173ea1f-6f14-4976-9cf0-7cd0dafdcdbc',
  count: 2,
  lines: 2,
  faults: 0,
  losses: [{ code: 'L10', count: 7, since: '2026-06-30T10:00:00+00:00' }],
  receivedAt: 1_782_863_998_123,
};
const bytes = (text: string) => Buffer.from(text);
const read = (object: Uint8Array, maxFrameBytes?: number) =>
  [...readFrames(object, maxFrameBytes === undefined ? {} : { maxFrameBytes })].map((part) =>
    part.kind === 'frame' ? { ...part, body: Buffer.from(part.body) } : part,
  );

test('zcat prints the bodies of an object as they were received', async () => {
  const bodies = [
    bytes('83 <40>1 first\n'),
    randomBytes(5_000),
    bytes(''),
    bytes('last, no newline'),
  ];
  const object = Buffer.concat(await Promise.all(bodies.map((body) => packFrame(body, facts))));
  expect(execFileSync('zcat', { input: object })).toEqual(Buffer.concat(bodies));
  execFileSync('gzip', ['-t'], { input: object });
});

test('a frame reads back with its bytes and facts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 }),
      async (bodies) => {
        const object = Buffer.concat(
          await Promise.all(bodies.map((body) => packFrame(body, facts))),
        );
        const frames = read(object);
        expect(frames.map((frame) => frame.kind === 'frame' && frame.body)).toEqual(
          bodies.map((body) => Buffer.from(body)),
        );
        for (const frame of frames) {
          expect(frame.meta).toMatchObject({
            ...facts,
            version: 1,
            lossesTold: 1,
            messagesLost: 7,
          });
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('losses that do not fit are cut, and their number and sum stay', async () => {
  const losses = Array.from({ length: 5_000 }, (_, at) => ({
    code: 'L10',
    count: at,
    since: '2026-06-30T10:00:00.000000+00:00',
  }));
  const object = await packFrame(bytes('x'), { ...facts, losses });
  expect(object.length).toBeLessThan(mostMetaBytes + 100);
  const [frame] = read(object);
  expect(frame?.meta?.losses.length).toBeGreaterThan(100);
  expect(frame?.meta).toMatchObject({ lossesTold: 5_000, messagesLost: 12_497_500 });
  expect(gunzipSync(object)).toEqual(bytes('x'));
});

test('headers longer than any real one stay distinct and fit', async () => {
  const long = ['a', 'b'].map((end) => `${'\u0000ü"'.repeat(9_000)}${end}`);
  const ids = await Promise.all(
    long.map(
      async (id) => read(await packFrame(bytes('x'), { ...facts, id, token: id }))[0]?.meta?.id,
    ),
  );
  expect(ids[0]).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(ids[0]).not.toBe(ids[1]);
});

test('members of other programs are frames without facts, with names and comments in their header too', async () => {
  const named = execFileSync('sh', [
    '-c',
    'cd "$(mktemp -d)" && printf named > a-name && gzip -c a-name',
  ]);
  const object = Buffer.concat([gzipSync('theirs'), await packFrame(bytes('ours'), facts), named]);
  const frames = read(object);
  expect(
    frames.map((frame) => [frame.kind === 'frame' && frame.body.toString(), frame.meta?.id]),
  ).toEqual([
    ['theirs', undefined],
    ['ours', facts.id],
    ['named', undefined],
  ]);
});

test('a member is skipped by its facts: one that is corrupt does not hide the next', async () => {
  const broken = Buffer.from(await packFrame(bytes('a'.repeat(1_000)), facts));
  broken[broken.length - 8] = (broken[broken.length - 8] ?? 0) ^ 1;
  const object = Buffer.concat([broken, await packFrame(bytes('next'), facts)]);
  expect(read(object)).toMatchObject([
    { kind: 'fault', reason: 'corrupt', offset: 0, bytes: broken.length, meta: { id: facts.id } },
    { kind: 'frame', body: bytes('next') },
  ]);
});

test('after bytes that are no gzip the next frame of ours is found', async () => {
  const object = Buffer.concat([
    bytes('no gzip at all'),
    await packFrame(bytes('next'), facts),
    bytes('rest'),
  ]);
  expect(read(object)).toMatchObject([
    { kind: 'fault', reason: 'not-gzip', offset: 0, bytes: 14 },
    { kind: 'frame', body: bytes('next') },
    { kind: 'fault', reason: 'not-gzip', bytes: 4 },
  ]);
});

test('an object cut off anywhere tells its fault and gives the frames before the cut', async () => {
  const first = await packFrame(bytes('first'), facts);
  const object = Buffer.concat([first, await packFrame(randomBytes(200), facts)]);
  for (let cut = first.length + 1; cut < object.length; cut++) {
    const [frame, fault, ...rest] = read(object.subarray(0, cut));
    expect(frame).toMatchObject({ kind: 'frame', body: bytes('first') });
    expect(fault).toMatchObject({ kind: 'fault', offset: first.length, bytes: cut - first.length });
    expect(rest).toEqual([]);
  }
});

test('a bomb is told, not unpacked, and what follows it is read', async () => {
  const bomb = Buffer.alloc(3_000_000);
  const object = Buffer.concat([
    await packFrame(bomb, facts),
    gzipSync(bomb),
    await packFrame(bytes('next'), facts),
  ]);
  expect(read(object, 1_000_000)).toMatchObject([
    { kind: 'fault', reason: 'too-large', meta: { bytes: 3_000_000 } },
    { kind: 'fault', reason: 'too-large' },
    { kind: 'frame', body: bytes('next') },
  ]);
});

test('facts that lie about the length mislead nobody', async () => {
  const object = await packFrame(bytes('first'), facts);
  const next = await packFrame(bytes('next'), facts);
  const lying = Buffer.from(
    Buffer.from(object)
      .toString('latin1')
      .replace(/"packed":\d/, '"packed":4'),
    'latin1',
  );
  expect(lying).not.toEqual(Buffer.from(object));
  expect(read(Buffer.concat([lying, next]))).toMatchObject([
    { kind: 'frame', body: bytes('first') },
    { kind: 'frame', body: bytes('next') },
  ]);
});

test('facts that are no JSON of ours are told, and the body is given all the same', async () => {
  const object = Buffer.from(await packFrame(bytes('body'), facts));
  object.write('no', 17);
  expect(read(object)).toMatchObject([
    { kind: 'fault', reason: 'facts-unreadable', offset: 0 },
    { kind: 'frame', body: bytes('body') },
  ]);
});

test('whatever bytes an object holds, reading it goes forward and never throws', async () => {
  const good = Buffer.from(await packFrame(bytes('good'), facts));
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 60, minLength: 1 }),
    fc.constant(good),
    fc.constant(gzipSync('theirs')),
    fc.nat(good.length - 1).map((length) => good.subarray(0, length)),
    fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, value]) => {
      const bad = Buffer.from(good);
      bad[at] = value;
      return bad;
    }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
      const object = Buffer.concat(parts);
      let at = 0;
      for (const found of readFrames(object)) {
        expect(found.offset).toBeGreaterThanOrEqual(at);
        at = found.offset;
        if (found.kind === 'fault')
          expect(found.offset + found.bytes).toBeLessThanOrEqual(object.length);
      }
    }),
    { numRuns: 300 },
  );
});
