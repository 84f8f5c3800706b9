import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { drainRequest, l10, line } from '../../test/rig/drain.ts';
import { drains, receiverRig } from '../../test/rig/receiver-rig.ts';
import { encodeFrame } from '../logplex/frame.ts';
import { createRedactor, type Redactor } from '../redact/redactor.ts';
import { parseObjectKey } from '../sink/object-key.ts';

const key = 'a key of more than thirty-two characters';
const id = '09C557EAFCFB6CF2740EE62F62971098';
const planted = 'planted.person@example.com';
const timestamp = new Date().toISOString();
const statement = `[YELLOW] [12-1]  sql_error_code = 00000 time_ms = "2026-06-30 10:00:00.000 UTC" pid="9" proc_start_time="2026-06-30 10:00:00 UTC" session_id="647e3878.1e62e5" vtid="2/0" tid="0" log_line="3" database="d" connection_source="1.2.3.4(5)" user="u" application_name="a" LOG:  statement: INSERT INTO users (email) VALUES ('${planted}')`;
const body = encodeFrame([line(statement, { timestamp })]);

async function redactingRig(redactor: Partial<Redactor> = {}, prefixes = ['one']) {
  const real = await createRedactor(key);
  const redactors = new Map(prefixes.map((prefix) => [prefix, { ...real, ...redactor }]));
  const rig = await receiverRig({ redactors });
  return {
    ...rig,
    real,
    /** All that is in the archive, unpacked, and all that was logged. */
    async seen(): Promise<string> {
      const objects = await rig.stored();
      const facts = objects.flatMap(({ key: name, frames }) => [name, JSON.stringify(frames)]);
      const bodies = (await rig.bodies()).map((one) => one.toString('latin1'));
      return [...facts, ...bodies, ...rig.logged].join('\n');
    },
  };
}

test('where an app redacts, its frames are stored without values; facts are those of the frame as received', async () => {
  const { receiver, stored, bodies, seen } = await redactingRig();
  const sent = Buffer.concat([l10(4, '2026-06-30T10:00:00+00:00'), body]);
  const headers = { 'logplex-msg-count': '2' };
  expect((await receiver.handle(drainRequest({ body: sent, id, headers }))).status).toBe(200);
  expect(await seen()).not.toContain(planted);
  expect((await bodies())[0]?.toString()).toContain('INSERT INTO users');
  expect((await stored())[0]?.frames).toMatchObject([
    { meta: { id, count: 2, lines: 2, faults: 0, messagesLost: 4, redacted: true } },
  ]);
});

test('a retry of a redacted frame finds the key of its first try, which no plain digest tells', async () => {
  const { receiver, stored } = await redactingRig();
  const plain = await receiverRig();
  const tries = ['01', '02.5'].map((second) =>
    Buffer.concat([l10(4, `2026-06-30T10:00:${second}+00:00`), body]),
  );
  for (const one of tries) {
    expect((await receiver.handle(drainRequest({ body: one, id }))).status).toBe(200);
    await plain.receiver.handle(drainRequest({ body: one, id }));
  }
  const [object, ...rest] = await stored();
  expect(rest).toEqual([]);
  const [plainObject] = await plain.stored();
  expect(parseObjectKey(object?.key ?? '')?.uuid).toMatch(/^.{14}8/);
  expect(object?.key).not.toBe(plainObject?.key);
});

test.each<[string, Partial<Redactor>]>([
  ['throws', { redact: () => Promise.reject(new Error(`no ${planted}`)) }],
  ['gives no bytes', { redact: () => Promise.resolve(undefined as unknown as Uint8Array) }],
  [
    'can’t redact it, and says so by a placeholder',
    { redact: async (bytes) => (await createRedactor(key)).placeholder(bytes.length) },
  ],
  [
    'throws at once',
    {
      redact: () => {
        throw new Error(`no ${planted}`);
      },
    },
  ],
])(
  'where the redactor %s a placeholder is stored and counted, and nothing of the frame',
  async (_, broken) => {
    const { receiver, real, bodies, seen, metric, stored } = await redactingRig(broken);
    expect((await receiver.handle(drainRequest({ body, id }))).status).toBe(200);
    expect(await bodies()).toEqual([Buffer.from(real.placeholder(body.length))]);
    expect((await stored())[0]?.frames).toMatchObject([{ meta: { lines: 1, redacted: true } }]);
    expect(await seen()).not.toContain(planted);
    expect(
      await metric('pgwitness_unparsed_frames_total{prefix="one",reason="redaction-failed"}'),
    ).toBe(1);
  },
);

test.each<[string, Partial<Redactor>]>([
  [
    'can’t even give a placeholder',
    {
      redact: () => Promise.reject(new Error(planted)),
      placeholder: () => {
        throw new Error(planted);
      },
    },
  ],
  ['never ends', { redact: () => new Promise(() => undefined) }],
])('where the redactor %s the frame is answered 503 and nothing is stored', async (_, broken) => {
  const real = await createRedactor(key);
  const redactors = new Map([['one', { ...real, ...broken }]]);
  const { receiver, stored, logged } = await receiverRig({ redactors, deadlineMs: 200 });
  expect((await receiver.handle(drainRequest({ body, id }))).status).toBe(503);
  expect(await stored()).toEqual([]);
  expect(logged.join('')).not.toContain(planted);
});

test.each([
  ['gzip', Buffer.from(planted)],
  ['gzip', Buffer.concat([gzipSync(body), Buffer.from(planted)])],
  ['br', Buffer.from(planted)],
  [planted, Buffer.from(planted)],
])(
  'a body in the encoding %s that can’t be unpacked is a placeholder under redaction',
  async (encoding, sent) => {
    const { receiver, stored, real, bodies, seen } = await redactingRig();
    const headers = { 'content-encoding': encoding };
    expect((await receiver.handle(drainRequest({ body: sent, id, headers }))).status).toBe(200);
    expect(await bodies()).toEqual([Buffer.from(real.placeholder(sent.length))]);
    const [frame] = (await stored())[0]?.frames ?? [];
    expect(frame?.meta).toMatchObject({ faults: 1, redacted: true });
    expect(frame?.meta?.encoding).toBeUndefined();
    expect(await seen()).not.toContain(planted);
  },
);

test('a body that is no frame at all keeps nothing of itself under redaction', async () => {
  const { receiver, seen, stored } = await redactingRig();
  for (const sent of [Buffer.from(planted), Buffer.from(`99999 <134>1 ${planted}`)]) {
    expect((await receiver.handle(drainRequest({ body: sent, id }))).status).toBe(200);
  }
  expect(await stored()).toHaveLength(2);
  expect(await seen()).not.toContain(planted);
});

test('an unclaimed frame of a user one of whose apps redacts is redacted; an app that does not is left as it is', async () => {
  const { receiver, bodies, seen } = await redactingRig({}, ['staging']);
  const shared = { user: 'shared', password: 'secret-two', body };
  await receiver.handle(drainRequest({ ...shared, token: 'd.nobody' }));
  await receiver.handle(drainRequest({ ...shared, token: 'd.staging' }));
  expect(await bodies()).toHaveLength(2);
  expect(await seen()).not.toContain(planted);
  await receiver.handle(drainRequest({ ...shared, token: 'd.prod' }));
  expect(drains.map(({ prefix }) => prefix)).toContain('prod');
  expect(await seen()).toContain(planted);
});
