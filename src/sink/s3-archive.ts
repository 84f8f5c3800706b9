import type { GetObjectCommandOutput, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { PgwitnessError } from '../error.ts';
import type { CredentialSource } from './aws-credentials.ts';
import { quietLogger, quietSdk } from './quiet-sdk.ts';
import { refusalError, unreachableError } from './s3-error.ts';
import { describePlace, isPathStyle, type S3Place, s3Origin } from './s3-place.ts';
import { assertSafeKey, isSafeKey } from './safe-key.ts';
import type { Archive, ArchiveObject } from './sink.ts';

/** An object of the receiver's holds 8 MB or little more; who can put can put 5 GB, too. */
const mostObjectBytes = 256 * 1024 * 1024;
/** Reading a body that was cut off is begun again so often; requests are tried again by the SDK. */
const readTries = 3;
/** All that S3 gives at a time, and all of a list that is held at a time. */
const mostKeysInPage = 1_000;
/** Pages without any key, running: S3 gives some where much was deleted; who gives them for ever has no end. */
const mostEmptyPages = 1_000;
const maxAttempts = 4;
const limits = { connectionTimeout: 3_000, socketTimeout: 10_000 };
const sockets = 32;

/**
 * The objects of an S3 sink, read by an identity that may list and read them (`s3:ListBucket`,
 * `s3:GetObject`). Nothing is opened before the first use.
 *
 * Objects that no sink could have put, by their keys, are left out. A body is held against the
 * checksum that the store keeps of it. Throws `sink.no-such-object` and `sink.s3-frozen`, exit 1,
 * `sink.object-too-large`, exit 1, and what an S3 sink throws, exit 3.
 */
export function s3Archive(
  options: S3Place & { readonly credentials: CredentialSource; readonly pageSize?: number },
): Archive {
  s3Origin(options);
  const description = describePlace(options);
  const { bucket: Bucket } = options;
  let opened: ReturnType<typeof openReader> | undefined;
  return { description, list, read };

  async function* list(
    prefix: string,
    { after = '' }: { after?: string } = {},
  ): AsyncGenerator<ArchiveObject> {
    let last = after;
    let continueAt: string | undefined;
    /** Since the last object that was listed. */
    const tokens = new Set<string>();
    let emptyPages = 0;
    for (;;) {
      const page: ListObjectsV2CommandOutput = await ask(`list ${prefix} in`, (reader) =>
        reader.list({
          Bucket,
          Prefix: prefix,
          MaxKeys: options.pageSize ?? mostKeysInPage,
          // Keys may hold what XML can't.
          EncodingType: 'url',
          ...(after !== '' && { StartAfter: after }),
          ...(continueAt !== undefined && { ContinuationToken: continueAt }),
        }),
      );
      // A list without objects says that nobody did anything: a web page must not be read as one.
      if (page.Name === undefined || page.IsTruncated === undefined) throw noS3(description);
      for (const { Key = '', Size, LastModified } of page.Contents ?? []) {
        const key = decodeKey(Key);
        if (key === undefined || !isSafeKey(key) || !key.startsWith(prefix)) continue;
        // Who asks for what came after a key relies on it; and a list that goes round has no end.
        if (key <= last) throw outOfOrder(description, prefix);
        last = key;
        tokens.clear();
        yield {
          key,
          size: Size ?? 0,
          // Unknown: it may have been now.
          storedAt: LastModified?.getTime() ?? Number.POSITIVE_INFINITY,
        };
      }
      if (!page.IsTruncated) return;
      // There is more, and nothing says where: what was listed must not pass for all there is.
      const next = page.NextContinuationToken;
      if (next === undefined || next === '') throw endless(description, prefix);
      emptyPages = page.Contents === undefined ? emptyPages + 1 : 0;
      if (tokens.has(next) || emptyPages > mostEmptyPages) throw endless(description, prefix);
      tokens.add(next);
      continueAt = next;
    }
  }

  async function read(key: string): Promise<Uint8Array> {
    assertSafeKey(key);
    const doing = `read ${key} from`;
    for (let attempt = 1; ; attempt += 1) {
      const object: GetObjectCommandOutput = await ask(doing, (reader) =>
        reader.get({ Bucket, Key: key }),
      );
      try {
        return await bytesOf(object, key);
      } catch (error) {
        if (error instanceof PgwitnessError) throw error;
        if (attempt === readTries) {
          throw unreachableError(
            description,
            doing,
            'its answer was cut off, or is not what it keeps a checksum of',
          );
        }
      }
    }
  }

  async function bytesOf(object: GetObjectCommandOutput, key: string): Promise<Uint8Array> {
    if (object.ETag === undefined) throw noS3(description);
    const length = object.ContentLength ?? 0;
    if (length > mostObjectBytes) {
      const body = object.Body as { destroy?: () => void } | undefined;
      body?.destroy?.();
      throw new PgwitnessError({
        code: 'sink.object-too-large',
        message: `${key} in ${description} has ${length} bytes, which no receiver puts into one object.`,
        fix: 'Find out who put it; it is not read.',
        exit: 1,
      });
    }
    const bytes = (await object.Body?.transformToByteArray()) ?? new Uint8Array();
    if (bytes.length !== length) throw new Error('cut off');
    return bytes;
  }

  async function ask<T>(
    doing: string,
    run: (reader: Awaited<ReturnType<typeof openReader>>) => Promise<T>,
  ): Promise<T> {
    opened ??= openReader(options);
    const reader = await opened;
    try {
      return await run(reader);
    } catch (error) {
      throw readError(error, doing);
    }
  }

  function readError(error: unknown, doing: string): PgwitnessError {
    if (error instanceof PgwitnessError) {
      const { code, message, fix } = error;
      return new PgwitnessError({ code, message, fix, exit: 3 });
    }
    const refusal = refusalOf(error);
    if (refusal === undefined) return unreachableError(description, doing, whyUnreachable(error));
    if (refusal.status === 404 && refusal.code !== 'NoSuchBucket') {
      return new PgwitnessError({
        code: 'sink.no-such-object',
        message: `Could not ${doing} ${description}: there is no such object.`,
        fix: 'List the objects again. Where versions are kept, look for a delete marker over it: aws s3api list-object-versions.',
        exit: 1,
      });
    }
    return refusalError(description, doing, refusal, refusal.code === 'InvalidObjectState' ? 1 : 3);
  }
}

/** The SDK takes 0.2 s to import: only who reads pays. */
async function openReader(options: S3Place & { readonly credentials: CredentialSource }) {
  quietSdk();
  const { GetObjectCommand, ListObjectsV2Command, S3Client } = await import('@aws-sdk/client-s3');
  type ListInput = ConstructorParameters<typeof ListObjectsV2Command>[0];
  type GetInput = ConstructorParameters<typeof GetObjectCommand>[0];
  const { endpoint, region, credentials } = options;
  const client = new S3Client({
    region,
    maxAttempts,
    ...(endpoint !== undefined && { endpoint }),
    forcePathStyle: isPathStyle(options),
    // The bucket's own checks of a body, where the store keeps a checksum.
    responseChecksumValidation: 'WHEN_SUPPORTED',
    credentials: async () => {
      const { expiresAt, ...keys } = await credentials();
      return { ...keys, ...(expiresAt !== undefined && { expiration: new Date(expiresAt) }) };
    },
    requestHandler: {
      ...limits,
      httpAgent: { keepAlive: true, maxSockets: sockets },
      httpsAgent: { keepAlive: true, maxSockets: sockets },
    },
    logger: quietLogger,
  });
  return {
    list: (input: ListInput) => client.send(new ListObjectsV2Command(input)),
    get: (input: GetInput) => client.send(new GetObjectCommand(input)),
  };
}

/** As S3 writes it under `encoding-type=url`; undefined where it is malformed. */
function decodeKey(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function refusalOf(error: unknown) {
  const { name, $metadata } = error as {
    name?: unknown;
    $metadata?: { httpStatusCode?: number; requestId?: string };
  };
  const status = $metadata?.httpStatusCode;
  if (status === undefined) return undefined;
  return { status, code: typeof name === 'string' ? name : '', requestId: $metadata?.requestId };
}

/** Of the SDK's errors the kind alone: their text and fields may repeat what was signed. */
function whyUnreachable(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  const kind = [code, name].find((word) => typeof word === 'string' && /^\w{1,40}$/.test(word));
  return `it gave no answer that can be read (${kind ?? 'no reason given'})`;
}

function noS3(description: string): PgwitnessError {
  return new PgwitnessError({
    code: 'sink.s3-failed',
    message: `What answers for ${description} is no S3.`,
    fix: 'Look at archive.s3.endpoint and at what stands between here and the store.',
    exit: 3,
  });
}

function endless(description: string, prefix: string): PgwitnessError {
  return new PgwitnessError({
    code: 'sink.s3-failed',
    message: `${description} says that there is more to list of ${prefix}, and not where it goes on.`,
    fix: 'Look at archive.s3.endpoint and at what stands between here and the store; no list of it can be relied on.',
    exit: 3,
  });
}

function outOfOrder(description: string, prefix: string): PgwitnessError {
  return new PgwitnessError({
    code: 'sink.s3-failed',
    message: `${description} does not list ${prefix} in the order of the keys, so what is listed can’t be relied on.`,
    fix: 'Keep the archive in a general purpose bucket: directory buckets list without order.',
    exit: 3,
  });
}
