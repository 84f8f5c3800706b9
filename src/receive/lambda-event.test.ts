import fc from 'fast-check';
import { expect, test } from 'vitest';
import { urlEvent } from '../../test/rig/lambda-url-event.ts';
import { parseLambdaEvent } from './lambda-event.ts';

const never = new AbortController().signal;
const limit = 1_000;

async function readOf(event: unknown) {
  const request = parseLambdaEvent(event);
  if (request.kind !== 'frame') return request.kind;
  const read = await request.frame.read(limit, never);
  return read.ok ? Buffer.from(read.body) : read.reason;
}

test('the bytes of a body come back as they were, whatever they are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: limit }), async (body) => {
      expect(await readOf(urlEvent({ body }))).toEqual(Buffer.from(body));
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 80 }), async (body) => {
      expect(await readOf(urlEvent({ body }))).toEqual(Buffer.from(body));
    }),
  );
});

test('no event throws, and what is read of one is never more than the limit', async () => {
  const anything = fc.anything({ withNullPrototype: true, withBigInt: true, maxDepth: 4 });
  const method = fc.oneof(fc.constantFrom('POST', 'GET', 'post'), anything);
  const like = fc.record(
    {
      requestContext: fc.oneof(anything, fc.record({ http: fc.record({ method }) })),
      headers: fc.oneof(anything, fc.dictionary(fc.string(), anything)),
      body: fc.oneof(anything, fc.string({ maxLength: 3 * limit })),
      isBase64Encoded: fc.oneof(fc.boolean(), anything),
      rawPath: fc.oneof(fc.constant('/healthz'), anything),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(fc.oneof(like, anything), async (event) => {
      const read = await readOf(event);
      if (typeof read !== 'string') expect(read.length).toBeLessThanOrEqual(limit);
      const request = parseLambdaEvent(event);
      if (request.kind === 'frame') {
        const header = request.frame.header('authorization');
        expect(header === null || typeof header === 'string').toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

test('base64 with something else in it is no body', async () => {
  const event = { ...urlEvent({ body: Buffer.from('abcdef') }) } as { body: string };
  for (const body of ['YWJj ZGVm', 'YWJjZGV', 'YWJjZGVm!', 'YQ==YQ==', '====']) {
    expect([body, await readOf({ ...event, body })]).toEqual([body, 'cut']);
  }
});

test('headers are found whatever their case, and those of the prototype are none', () => {
  const event = urlEvent({ headers: { Authorization: 'Basic x' }, body: 'x' });
  const request = parseLambdaEvent(event);
  if (request.kind !== 'frame') throw new Error(request.kind);
  expect(request.frame.header('authorization')).toBe('Basic x');
  expect(request.frame.header('constructor')).toBeNull();
  expect(request.frame.header('logplex-frame-id')).toBeNull();
});

test('a POST is a frame at any path; only GET /healthz is asked whether it is alive', () => {
  const kindOf = (method: string, path: string) =>
    parseLambdaEvent(urlEvent({ method, path })).kind;
  expect(kindOf('POST', '/healthz')).toBe('frame');
  expect(kindOf('GET', '/healthz')).toBe('alive');
  expect(kindOf('GET', '/')).toBe('method');
  expect(kindOf('DELETE', '/')).toBe('method');
});
