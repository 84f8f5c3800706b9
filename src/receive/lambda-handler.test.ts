import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { drainHeaders, frameOf, type Post } from '../../test/rig/drain.ts';
import { urlEvent } from '../../test/rig/lambda-url-event.ts';
import { listed } from '../../test/rig/sink-conformance.ts';
import { folderArchive } from '../sink/folder-archive.ts';
import { openFolderSink } from '../sink/folder-sink.ts';
import { readFrames } from '../sink/read-frames.ts';
import { buildAccessList } from './access-list.ts';
import { createLambdaHandler, type LambdaHandlerOptions } from './lambda-handler.ts';

const context = { awsRequestId: 'request', getRemainingTimeInMillis: () => 10_000 };
const eventOf = (post: Post = {}) =>
  urlEvent({ headers: drainHeaders(post), body: post.body ?? frameOf('hello') });

/** A handler over a folder, and how often its connections were ended. */
async function rig(over: Partial<LambdaHandlerOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'pgwitness-handler-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const sink = await openFolderSink(folder);
  const archive = folderArchive(folder);
  const drain = { app: 'a', prefix: 'a', user: 'raxx', secrets: ['secret-one'], tokens: [] };
  let closed = 0;
  const lines: string[] = [];
  const handler = createLambdaHandler({
    access: buildAccessList([drain]),
    sink: {
      ...sink,
      close() {
        closed += 1;
      },
    },
    redactors: new Map(),
    now: Date.now,
    functionName: 'f',
    write: (line) => lines.push(line),
    ...over,
  });
  return {
    handler,
    lines,
    closed: () => closed,
    async bodies() {
      const objects = await listed(archive, '');
      const frames = await Promise.all(
        objects.map(async ({ key }) => [...readFrames(await archive.read(key))]),
      );
      return frames
        .flat()
        .map((frame) => Buffer.from(frame.kind === 'frame' ? frame.body : 'fault'));
    },
  };
}

test('any event is answered, and only frames of who may write get 200', async () => {
  const { handler } = await rig();
  const valid = eventOf() as Record<string, unknown>;
  const changed = fc
    .tuple(fc.constantFrom(...Object.keys(valid)), fc.jsonValue({ maxDepth: 3 }))
    .map(([name, value]) => ({ ...valid, [name]: value }));
  await fc.assert(
    fc.asyncProperty(fc.oneof(changed, fc.jsonValue()), async (event) => {
      const { statusCode } = await handler(event, context);
      expect([200, 401, 405, 503]).toContain(statusCode);
      const { headers } = Object(event) as { headers?: unknown };
      if (headers !== valid['headers']) expect(statusCode).not.toBe(200);
    }),
  );
});

test('an authenticated frame of any bytes is stored as it is and answered 200', async () => {
  const { handler, bodies } = await rig();
  const sent: Buffer[] = [];
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (body) => {
      expect((await handler(eventOf({ body }), context)).statusCode).toBe(200);
      sent.push(Buffer.from(body));
    }),
    { numRuns: 40 },
  );
  expect((await bodies()).sort(Buffer.compare)).toEqual(sent.sort(Buffer.compare));
});

test('an answer has no Content-Length: a Function URL would send it under another name', async () => {
  const { handler } = await rig();
  const refused = await handler(eventOf({ password: 'wrong' }), context);
  expect(Object.keys(refused.headers)).toEqual(['WWW-Authenticate']);
  expect(await handler(eventOf(), context)).toEqual({ statusCode: 200, headers: {}, body: '' });
});

test('a log that can’t be written and a context that says nothing change no answer', async () => {
  const { handler, bodies } = await rig({
    write() {
      throw new Error('no room');
    },
  });
  expect((await handler(eventOf(), context)).statusCode).toBe(200);
  expect((await handler(eventOf({ password: 'wrong' }), context)).statusCode).toBe(401);
  expect(await bodies()).toHaveLength(1);
  const nothing = undefined as unknown as typeof context;
  expect((await handler(eventOf(), nothing)).statusCode).toBe(503);
});

test('after a long sleep no kept connection is used, after a short one it is', async () => {
  let now = Date.now();
  const { handler, closed } = await rig({ now: () => now });
  await handler(eventOf(), context);
  now += 4_000;
  await handler(eventOf(), context);
  expect(closed()).toBe(0);
  now += 600_000;
  await handler(eventOf(), context);
  expect(closed()).toBe(1);
});

test('a key that a retry can’t derive is remembered from one event to the next', async () => {
  const { handler, bodies } = await rig();
  const post = { id: 'F'.repeat(32), body: Buffer.from('no syslog at all') };
  for (const _ of [1, 2]) expect((await handler(eventOf(post), context)).statusCode).toBe(200);
  expect(await bodies()).toHaveLength(1);
});
