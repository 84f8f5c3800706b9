import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, inject, onTestFinished } from 'vitest';
import { buildLambda } from '../../scripts/build-lambda.mjs';
import { ensureLambdaRic } from '../../scripts/lambda-ric.mjs';
import type { LambdaSettings } from '../../src/receive/lambda-settings.ts';
import { readFrames, type StoredFrame } from '../../src/sink/read-frames.ts';
import { s3Archive } from '../../src/sink/s3-archive.ts';
import { drainHeaders, frameOf, type Post } from './drain.ts';
import { type LambdaSandbox, startSandbox } from './lambda-sandbox.ts';
import { type UrlRequest, urlEvent } from './lambda-url-event.ts';
import { hasS3, shippedPolicy, startS3World } from './s3-world.ts';

/** Whether the real runtime client and a real S3 are there: define tests of the zip only then. */
export const hasLambda = hasS3 && inject('lambdaRic');

export interface LambdaWorld {
  /** Another way to the S3 than its own, from now on. */
  endpoint: string;
  readonly ownEndpoint: string;
  /** Runs the zip in a process that lasts as long as the test, as the put-only role that is shipped. */
  sandbox(given?: {
    readonly settings?: Partial<LambdaSettings>;
    readonly env?: Readonly<Record<string, string>>;
    readonly redact?: boolean;
    readonly files?: Readonly<Record<string, string>>;
  }): Promise<LambdaSandbox>;
  /** Objects that have come since this was asked the last time, each with its frames. */
  newObjects(): Promise<readonly StoredObject[]>;
}

export interface StoredObject {
  readonly key: string;
  readonly frames: readonly StoredFrame[];
}

export const secret = 'the-drain-password-0123456789';

/** A bucket, the zips as the sources are now, and what runs them. Building the client can take a minute. */
export async function startLambdaWorld(): Promise<LambdaWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'pgwitness-zips-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const [s3, ric, [plain, redacting]] = await Promise.all([
    startS3World(),
    ensureLambdaRic(),
    buildLambda(folder),
  ]);
  const place = await s3.newBucket();
  const role = await s3.newRole(await shippedPolicy('receiver-role-policy', place.bucket));
  const { accessKeyId, secretAccessKey, sessionToken = '' } = await role();
  const reader = await s3.newRole(
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: ['s3:ListBucket', 's3:GetObject'],
          Resource: [`arn:aws:s3:::${place.bucket}`, `arn:aws:s3:::${place.bucket}/*`],
        },
      ],
    }),
  );
  const archive = s3Archive({ ...place, credentials: reader });
  const seen = new Set<string>();
  const world: LambdaWorld = {
    endpoint: s3.server.endpoint,
    ownEndpoint: s3.server.endpoint,
    async sandbox(given = {}) {
      const settings: LambdaSettings = {
        version: 1,
        bucket: place.bucket,
        region: place.region,
        endpoint: world.endpoint,
        encryption: 'AES256',
        drains: [
          { app: 'raxx', prefix: 'raxx', user: 'raxx', secretEnv: 'RAXX_SECRET', tokens: [] },
        ],
        ...given.settings,
      };
      const sandbox = await startSandbox({
        ric,
        zip: given.redact === true ? redacting.path : plain.path,
        env: {
          PGWITNESS_RECEIVER: JSON.stringify(settings),
          RAXX_SECRET: secret,
          AWS_ACCESS_KEY_ID: accessKeyId,
          AWS_SECRET_ACCESS_KEY: secretAccessKey,
          AWS_SESSION_TOKEN: sessionToken,
          ...given.env,
        },
        files: given.files ?? {},
      });
      onTestFinished(() => sandbox.close());
      return sandbox;
    },
    async newObjects() {
      const objects: StoredObject[] = [];
      for await (const { key } of archive.list('logs/')) {
        if (seen.has(key)) continue;
        seen.add(key);
        const frames = [...readFrames(await archive.read(key))];
        objects.push({ key, frames: frames.filter((frame) => frame.kind === 'frame') });
      }
      return objects;
    },
  };
  return world;
}

/** The event of a drain's request, its body in base64 as of a type that Lambda doesn't know as text. */
export function drainEvent(post: Post = {}, over: UrlRequest = {}): object {
  return urlEvent({
    headers: drainHeaders({ password: secret, ...post }),
    body: post.body ?? frameOf('hello'),
    ...over,
  });
}
