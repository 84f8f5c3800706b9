import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { frameOf, l10 } from '../rig/drain.ts';
import type { LambdaOutcome } from '../rig/lambda-runtime-api.ts';
import {
  drainEvent,
  hasLambda,
  type LambdaWorld,
  secret,
  startLambdaWorld,
} from '../rig/lambda-world.ts';

const stored = { kind: 'answered', answer: { statusCode: 200, headers: {}, body: '' } };
const status = (outcome: LambdaOutcome) =>
  outcome.kind === 'answered' ? outcome.answer.statusCode : outcome.kind;

let ids = 0;
const newId = () => (++ids).toString(16).toUpperCase().padStart(32, '0');

if (hasLambda) {
  describe('the zip, run by Lambda’s own runtime client', () => {
    let world: LambdaWorld;
    beforeAll(async () => {
      world = await startLambdaWorld();
    }, 300_000);

    test('stores a frame as it came, with its facts, before it answers 200', async () => {
      const lambda = await world.sandbox();
      const [id, body] = [newId(), frameOf('statement one', 'statement two')];
      const event = drainEvent({ body, id, token: 'd.1', headers: { 'logplex-msg-count': '2' } });
      expect(await lambda.invoke(event)).toMatchObject(stored);
      const objects = await world.newObjects();
      expect(objects).toHaveLength(1);
      expect(objects[0]?.key).toMatch(/^logs\/raxx\/\d{4}\/\d\d\/\d\d\/\d{13}-[0-9a-f-]{14}8/);
      expect(objects[0]?.frames[0]).toMatchObject({
        meta: { id, token: 'd.1', count: 2, lines: 2 },
      });
      expect(Buffer.from(objects[0]?.frames[0]?.body ?? '')).toEqual(Buffer.from(body));
    });

    test('takes a body as text, in base64 and gzipped, and stores the same of each', async () => {
      const lambda = await world.sandbox();
      const body = frameOf('Grüße ☕', 'plain');
      const text = Buffer.from(body).toString('utf8');
      for (const event of [
        drainEvent({ id: newId() }, { body: text }),
        drainEvent({ id: newId() }, { body }),
        drainEvent({ id: newId(), headers: { 'content-encoding': 'gzip' }, body: gzipSync(body) }),
        // A request without an id, as a shipper of one's own may send.
        drainEvent({ body }),
      ]) {
        expect(await lambda.invoke(event)).toMatchObject(stored);
      }
      const objects = await world.newObjects();
      const bodies = objects.map(({ frames }) => Buffer.from(frames[0]?.body ?? '').toString());
      expect(bodies).toEqual(Array(4).fill(Buffer.from(body).toString()));
    });

    test('a retry that another sandbox takes makes no second object, and is answered 200', async () => {
      const [id, line] = [newId(), frameOf('retried')];
      // Logplex renders a loss line anew at each try.
      const tries = ['2026-11-24T10:00:00+00:00', '2026-11-24T10:00:02+00:00'].map((at) =>
        Buffer.concat([l10(3, at), line]),
      );
      for (const body of tries) {
        const lambda = await world.sandbox();
        expect(await lambda.invoke(drainEvent({ id, body }))).toMatchObject(stored);
      }
      const objects = await world.newObjects();
      expect(objects).toHaveLength(1);
      expect(objects[0]?.frames[0]?.meta).toMatchObject({ lossesTold: 1, messagesLost: 3 });
    });

    test('who has no password writes nothing; other methods are no frames; /healthz is alive', async () => {
      const lambda = await world.sandbox();
      expect(status(await lambda.invoke(drainEvent({ password: 'guessed' })))).toBe(401);
      expect(status(await lambda.invoke(drainEvent({}, { headers: {} })))).toBe(401);
      expect(status(await lambda.invoke(drainEvent({}, { method: 'PUT' })))).toBe(405);
      expect(status(await lambda.invoke(drainEvent({}, { method: 'GET' })))).toBe(405);
      const alive = drainEvent({}, { method: 'GET', path: '/healthz', headers: {} });
      expect(await lambda.invoke(alive)).toMatchObject({
        answer: { statusCode: 200, body: 'alive\n' },
      });
      const objects = await world.newObjects();
      expect(objects).toEqual([]);
    });

    test('tokens that apps pin tell them apart; another is kept under a prefix of its own', async () => {
      const drain = { user: 'raxx', secretEnv: 'RAXX_SECRET' };
      const lambda = await world.sandbox({
        settings: {
          drains: [
            { ...drain, app: 'prod', prefix: 'prod', tokens: ['d.prod'] },
            { ...drain, app: 'staging', prefix: 'staging', tokens: ['d.staging'] },
          ],
        },
      });
      for (const token of ['d.prod', 'd.staging', '../../other']) {
        expect(await lambda.invoke(drainEvent({ id: newId(), token }))).toMatchObject(stored);
      }
      const objects = await world.newObjects();
      expect(objects.map(({ key }) => key.split('/')[1]).sort()).toEqual([
        'prod',
        'staging',
        'unclaimed-raxx',
      ]);
    });

    test('takes the largest frame that Lambda’s event has room for', async () => {
      const lambda = await world.sandbox();
      const lines = Array.from({ length: 500 }, (_, i) => `${i} ${'x'.repeat(9_300)}`);
      const body = frameOf(...lines);
      const event = drainEvent({ id: newId(), body });
      expect(body.length).toBeGreaterThan(4_680_000);
      expect(JSON.stringify(event).length).toBeLessThan(6_291_456);
      expect(await lambda.invoke(event)).toMatchObject(stored);
      const objects = await world.newObjects();
      expect(Buffer.compare(objects[0]?.frames[0]?.body ?? Buffer.of(), body)).toBe(0);
    });

    test('counts are lines that CloudWatch makes metrics of, and no line holds text or secret', async () => {
      const lambda = await world.sandbox();
      const body = Buffer.concat([
        l10(7, '2026-11-24T10:00:00+00:00'),
        frameOf('planted-statement'),
      ]);
      await lambda.invoke(drainEvent({ id: newId(), body, headers: { 'logplex-msg-count': '9' } }));
      await lambda.invoke(drainEvent({ password: 'planted-password', token: 'planted-token' }));
      await expect.poll(() => lambda.log.filter((line) => line.includes('_aws')).length).toBe(2);
      const lines = lambda.log
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line));
      const [frame, refused] = lines.filter((line) => '_aws' in line);
      expect(frame).toMatchObject({
        ...{
          FunctionName: 'drain-receiver',
          Prefix: 'raxx',
          key: expect.stringMatching(/^logs\/raxx\//),
        },
        ...{
          FramesStored: 1,
          Lines: 2,
          MessagesLost: 7,
          FramesMiscounted: 1,
          FrameBytes: body.length,
        },
      });
      const [directive] = frame._aws.CloudWatchMetrics;
      expect(directive.Dimensions).toEqual([['FunctionName'], ['FunctionName', 'Prefix']]);
      // Each metric that is told stands there as a number, or CloudWatch drops the line.
      for (const { Name: name } of directive.Metrics)
        expect(frame[name]).toEqual(expect.any(Number));
      expect(refused).toMatchObject({ RequestsRefused: 1 });
      expect(lines.filter(({ level }) => level === 'WARN').map(({ message }) => message)).toEqual([
        'the transport tells of lost messages',
        'the sender counts other than the lines found',
        'refused a request',
      ]);
      expect(lambda.log.join('\n')).not.toMatch(/planted|the-drain-password/);
      expect(lambda.log.join('\n')).not.toContain(Buffer.from(`raxx:${secret}`).toString('base64'));
    });

    test('a frame of a redacted app holds none of its values, and the same ones at its retry', async () => {
      const drain = {
        app: 'raxx',
        prefix: 'redacted',
        user: 'raxx',
        secretEnv: 'RAXX_SECRET',
        tokens: [],
      };
      const given = {
        redact: true,
        settings: { drains: [{ ...drain, redactKeyEnv: 'RAXX_REDACT' }] },
        env: { RAXX_REDACT: 'a key of more than thirty-two characters' },
      };
      const text =
        '[YELLOW] [12-1]  sql_error_code = 00000 time_ms = "2026-11-24 10:00:00.000 UTC" pid="1" proc_start_time="2026-11-24 09:00:00 UTC" session_id="647e3878.1e62e5" vtid="2/0" tid="0" log_line="3" database="d" connection_source="10.0.0.1(1)" user="u" application_name="" LOG:  statement: update users set email = \'planted@example.com\' where id = 4711';
      const post = { id: newId(), body: frameOf(text) };
      for (let tries = 0; tries < 2; tries += 1) {
        const lambda = await world.sandbox(given);
        expect(await lambda.invoke(drainEvent(post))).toMatchObject(stored);
      }
      const objects = (await world.newObjects()).filter(({ key }) =>
        key.startsWith('logs/redacted/'),
      );
      expect(objects).toHaveLength(1);
      const body = Buffer.from(objects[0]?.frames[0]?.body ?? '').toString();
      expect(body).toMatch(
        /statement: update users set email = 'pgw:[0-9a-f]{32}' where id = 'pgw:/,
      );
      expect(body).not.toMatch(/planted|4711/);
      expect(objects[0]?.frames[0]?.meta?.redacted).toBe(true);
    });
  });
} else {
  test.todo('needs a real S3 and Lambda’s runtime client: set CI=true to have them brought');
}
