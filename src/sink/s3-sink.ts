import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { PgwitnessError } from '../error.ts';
import type { CredentialSource } from './aws-credentials.ts';
import { NoAnswer, openS3Connections, type S3Answer, type S3Limits } from './s3-connections.ts';
import { refusalError, stoppedError, unreachableError } from './s3-error.ts';
import { describePlace, type S3Place, s3Origin } from './s3-place.ts';
import { createS3Signer } from './s3-signer.ts';
import { assertSafeKey } from './safe-key.ts';
import type { PutOutcome, Sink } from './sink.ts';

export interface S3SinkOptions extends S3Place {
  readonly credentials: CredentialSource;
  /** How the store is told to encrypt an object; `AES256` where it is left out. */
  readonly encryption?: 'AES256' | 'aws:kms' | 'none';
  /** With `aws:kms`: another key than the bucket's own. */
  readonly kmsKeyId?: string;
  /** `x-amz-storage-class`; the store's default where it is left out. */
  readonly storageClass?: string;
  readonly limits?: S3Limits;
  /** Epoch milliseconds, for signatures: the store refuses those that are 15 minutes off. */
  readonly now?: () => number;
}

/** 409 says that another write to the key is under way: over in the time of one put. */
const conflictPausesMs = [0, 10, 20, 40, 80];

/**
 * A bucket as sink. It needs `s3:PutObject` and nothing else, and proves nothing when it is opened:
 * there is no request that changes nothing. Each object is one PUT with `If-None-Match: *`, so an
 * object that is there stays as it is; the SHA-256 of the body is signed, and kept by AWS as the
 * object's checksum.
 *
 * `put` throws `sink.s3-denied`, `s3-no-bucket`, `s3-credentials`, `s3-clock`, `s3-kms`,
 * `s3-wrong-region`, `s3-unreachable`, `s3-busy`, `s3-full` or `s3-failed`; opening throws
 * `sink.s3-bad-place`. `close` ends kept connections.
 */
export function openS3Sink(options: S3SinkOptions): Sink & { close(): void } {
  const origin = s3Origin(options);
  const description = describePlace(options);
  const fixedHeaders = objectHeaders(options);
  const sign = createS3Signer(origin, options.region, options.credentials, options.now ?? Date.now);
  const connections = openS3Connections(origin, options.limits);
  return { description, put, close: () => connections.close() };

  async function put(
    key: string,
    body: Uint8Array,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<PutOutcome> {
    assertSafeKey(key);
    const digest = createHash('sha256').update(body).digest();
    for (const pauseMs of conflictPausesMs) {
      if (pauseMs > 0) await sleep(pauseMs);
      const answer = await send(key, body, digest, signal);
      const code = errorCode(answer);
      if (answer.status === 200) {
        assertKept(answer, key, digest);
        return 'stored';
      }
      if (answer.status === 412 && code === 'PreconditionFailed') return 'exists';
      if (answer.status === 409 && pauseMs !== conflictPausesMs.at(-1)) continue;
      const requestId = answer.header('x-amz-request-id');
      throw refusalError(description, `put ${key} into`, {
        status: answer.status,
        code,
        requestId,
      });
    }
    throw new TypeError('there is no last pause');
  }

  async function send(
    key: string,
    body: Uint8Array,
    digest: Buffer,
    signal: AbortSignal | undefined,
  ): Promise<S3Answer> {
    try {
      signal?.throwIfAborted();
      const path = `${origin.base}/${key.split('/').map(encodeURIComponent).join('/')}`;
      // The credentials may have to be fetched, which has no limit of its own.
      const signed = sign({
        method: 'PUT',
        path,
        headers: {
          ...fixedHeaders,
          'x-amz-content-sha256': digest.toString('hex'),
          'x-amz-checksum-sha256': digest.toString('base64'),
        },
      });
      const headers = await untilStopped(signed, signal);
      return await connections.send({ method: 'PUT', path, headers, body }, signal);
    } catch (error) {
      if (signal?.aborted) throw stoppedError();
      if (!(error instanceof NoAnswer)) throw error;
      throw unreachableError(description, `put ${key} into`, error.message, error.cause);
    }
  }

  /**
   * A 200 stands for bytes that are durable, so who gives it has to be an S3: one names each object's
   * ETag. A web server that takes PUTs, or a portal in between, does not.
   */
  function assertKept(answer: S3Answer, key: string, digest: Buffer): void {
    const checksum = answer.header('x-amz-checksum-sha256');
    const same = checksum === '' || checksum === digest.toString('base64');
    if (answer.header('etag') !== '' && same) return;
    throw new PgwitnessError({
      code: 'sink.s3-failed',
      message: same
        ? `What answered a put of ${key} into ${description} with 200 is no S3: it names no ETag.`
        : `${description} has kept other bytes under ${key} than were sent: its checksum is another one.`,
      fix: 'Look at archive.s3.endpoint and at what stands between here and the store.',
      exit: 3,
    });
  }
}

function objectHeaders(options: S3SinkOptions): Readonly<Record<string, string>> {
  const { encryption = 'AES256', kmsKeyId, storageClass } = options;
  for (const [name, value] of Object.entries({ kmsKeyId, storageClass })) {
    if (value === undefined || /^[\x21-\x7e]{1,2048}$/.test(value)) continue;
    throw new PgwitnessError({
      code: 'sink.s3-bad-place',
      message: `${name} of the S3 archive can’t be sent: it is empty or holds spaces or other signs.`,
      fix: 'Correct archive.s3 in the configuration.',
      exit: 2,
    });
  }
  return {
    'if-none-match': '*',
    'content-type': 'application/gzip',
    ...(encryption !== 'none' && { 'x-amz-server-side-encryption': encryption }),
    ...(encryption === 'aws:kms' &&
      kmsKeyId !== undefined && { 'x-amz-server-side-encryption-aws-kms-key-id': kmsKeyId }),
    ...(storageClass !== undefined && { 'x-amz-storage-class': storageClass }),
  };
}

/** What `work` gives, unless the signal comes first; `work` then goes on, and nobody waits for it. */
function untilStopped<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** The code in an error's XML: one element of letters; the rest, which anyone may have written, is not read. */
function errorCode({ body }: S3Answer): string {
  return /<Code>([A-Za-z0-9.]{1,64})<\/Code>/.exec(body.toString('latin1'))?.[1] ?? '';
}
