import { PgwitnessError } from '../error.ts';
import { quietLogger, quietSdk } from './quiet-sdk.ts';

/** What signs requests to AWS, or to whatever speaks its protocol. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string;
  /** Epoch milliseconds; undefined for keys that do not end. */
  readonly expiresAt?: number;
}

/**
 * Gives credentials that are good now; to be asked before each request, since they are kept and
 * renewed in here. Rejects with `sink.s3-credentials`, exit 2, where there are none.
 */
export type CredentialSource = () => Promise<AwsCredentials>;

/** AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, as Lambda gives them. */
export function environmentCredentials(
  env: Readonly<Record<string, string | undefined>>,
): CredentialSource {
  return async () => {
    const accessKeyId = env['AWS_ACCESS_KEY_ID'] ?? '';
    const secretAccessKey = env['AWS_SECRET_ACCESS_KEY'] ?? '';
    if (accessKeyId === '' || secretAccessKey === '') {
      throw noCredentials(
        'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set.',
        'Set both, and AWS_SESSION_TOKEN for temporary ones; on Lambda give the function a role.',
      );
    }
    const sessionToken = env['AWS_SESSION_TOKEN'] ?? '';
    return { accessKeyId, secretAccessKey, ...(sessionToken !== '' && { sessionToken }) };
  };
}

/** Keys that name no end may have been replaced in their file: they are read anew after so long. */
const readAnewMs = 60_000;

/**
 * The credentials of a profile of ~/.aws; without a name, those that AWS's own tools would take:
 * environment, default profile, SSO, web identity, container, instance. They are renewed before they
 * end, and found again where somebody else renews them in the file. `now`: epoch milliseconds.
 */
export function profileCredentials(
  profile?: string,
  now: () => number = Date.now,
): CredentialSource {
  let provider: Promise<() => Promise<Given>> | undefined;
  let readAnewAt = Number.POSITIVE_INFINITY;
  return async () => {
    if (now() >= readAnewAt) provider = undefined;
    if (provider === undefined) readAnewAt = Number.POSITIVE_INFINITY;
    provider ??= openProvider(profile);
    // No cause: what the chain says may quote what it has read.
    const given = await (await provider)().catch(() => undefined);
    if (given?.expiration === undefined) readAnewAt = Math.min(readAnewAt, now() + readAnewMs);
    if (given === undefined) {
      throw profile === undefined
        ? noCredentials(
            'No AWS credentials were found: neither in the environment nor in a profile nor from the machine’s role.',
            'Name a profile under archive.s3 (writer_profile, reader_profile), set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role.',
          )
        : noCredentials(
            `The AWS profile ${profile} gives no credentials.`,
            `Look at it with: aws sts get-caller-identity --profile ${profile}`,
          );
    }
    return {
      accessKeyId: given.accessKeyId,
      secretAccessKey: given.secretAccessKey,
      ...(given.sessionToken !== undefined && { sessionToken: given.sessionToken }),
      ...(given.expiration !== undefined && { expiresAt: given.expiration.getTime() }),
    };
  };
}

interface Given {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** Imported when first needed: it takes 0.1 s. It keeps what it found, and asks anew in time. */
async function openProvider(profile: string | undefined): Promise<() => Promise<Given>> {
  quietSdk();
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
  return defaultProvider({
    logger: quietLogger,
    ignoreCache: true,
    ...(profile !== undefined && { profile }),
  });
}

function noCredentials(message: string, fix: string): PgwitnessError {
  return new PgwitnessError({ code: 'sink.s3-credentials', message, fix, exit: 2 });
}
