import { PgwitnessError } from '../error.ts';
import type { Redactor } from '../redact/redactor.ts';
import { environmentCredentials } from '../sink/aws-credentials.ts';
import { s3EndpointFrom } from '../sink/s3-place.ts';
import { openS3Sink } from '../sink/s3-sink.ts';
import { buildAccessList } from './access-list.ts';
import { createLambdaHandler, type LambdaHandler } from './lambda-handler.ts';
import { type LambdaSettings, readLambdaSecrets, readLambdaSettings } from './lambda-settings.ts';

/** All that the function may touch of the outside world. */
export interface LambdaWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder of the function's code. */
  readonly folder: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Takes a line of the log with its newline. */
  readonly write: (line: string) => void;
}

/**
 * The handler that the environment describes. Throws PgwitnessError where the function can't work:
 * what `readLambdaSettings`, `readLambdaSecrets`, `buildAccessList` and `openS3Sink` throw,
 * `redact.weak-key`, and `receive.no-grammar` where it is to redact and its zip is the small one.
 */
export async function startLambda({
  env,
  folder,
  now,
  write,
}: LambdaWorld): Promise<LambdaHandler> {
  const settings = readLambdaSettings(env, folder);
  const { drains, redactKeys } = readLambdaSecrets(settings, env);
  const access = buildAccessList(drains);
  const sink = openS3Sink({
    ...placeOf(settings, env),
    encryption: settings.encryption,
    ...(settings.kmsKeyId !== undefined && { kmsKeyId: settings.kmsKeyId }),
    ...(settings.storageClass !== undefined && { storageClass: settings.storageClass }),
    credentials: environmentCredentials(env),
    now,
  });
  const redactors = await redactorsOf(redactKeys);
  const functionName = env['AWS_LAMBDA_FUNCTION_NAME'] ?? 'pgwitness';
  return createLambdaHandler({ access, sink, redactors, now, write, functionName });
}

function placeOf(settings: LambdaSettings, env: LambdaWorld['env']) {
  const { bucket, pathStyle } = settings;
  const region = settings.region ?? env['AWS_REGION'] ?? '';
  const endpoint = settings.endpoint ?? s3EndpointFrom(env);
  if (endpoint !== undefined && settings.allowHttp !== true && travelsInClear(endpoint)) {
    throw new PgwitnessError({
      code: 'receive.bad-settings',
      message:
        'The endpoint of the S3 is http, and not on this machine: the log would travel in clear.',
      fix: 'Name an https address, or set `allow_http: true` under archive.s3 where the way there is yours alone.',
      exit: 2,
    });
  }
  return {
    ...{ bucket, region },
    ...(endpoint !== undefined && { endpoint }),
    ...(pathStyle !== undefined && { pathStyle }),
  };
}

/** As the URL's parser reads it, which passes over blanks and case; the sink refuses what it can't read. */
function travelsInClear(endpoint: string): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { protocol, hostname } = new URL(endpoint);
  return protocol === 'http:' && !/^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

async function redactorsOf(
  keys: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, Redactor>> {
  const redactors = new Map<string, Redactor>();
  if (keys.size === 0) return redactors;
  const createRedactor = await loadRedactor();
  const byKey = new Map<string, Promise<Redactor>>();
  for (const [prefix, key] of keys) {
    // Each has a grammar of its own in memory: one a key.
    const redactor = byKey.get(key) ?? createRedactor(key);
    byKey.set(key, redactor);
    redactors.set(prefix, await redactor);
  }
  return redactors;
}

/** Only where it is needed: the grammar is most of the zip and of the start. */
async function loadRedactor() {
  try {
    return (await import('../redact/redactor.ts')).createRedactor;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new PgwitnessError({
      code: 'receive.no-grammar',
      message: 'The settings ask for redaction, and this zip has no SQL grammar in it.',
      fix: 'Deploy pgwitness-lambda-redact.zip: `pgwitness lambda zip` takes the one that the configuration needs.',
      exit: 2,
      cause,
    });
  }
}
