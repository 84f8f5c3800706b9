import { type ExitCode, PgwitnessError } from '../error.ts';

interface Meaning {
  readonly code: string;
  readonly why: string;
  readonly fix: string;
  readonly exit: ExitCode;
}

const credentials: Meaning = {
  code: 'sink.s3-credentials',
  why: 'the store does not know these credentials, or they have ended',
  fix: 'Renew the credentials of this identity, or correct the profile or variables that hold them.',
  exit: 2,
};
const busy: Meaning = {
  code: 'sink.s3-busy',
  why: 'the store is busy',
  fix: 'The same request may be tried again; if it lasts, ask the store’s operator about its limits.',
  exit: 3,
};
const full: Meaning = {
  code: 'sink.s3-full',
  why: 'the store takes no more: a quota is used up, or its disks are full',
  fix: 'Raise the quota or free space; objects are taken again as soon as there is some.',
  exit: 1,
};
const key: Meaning = {
  code: 'sink.s3-kms',
  why: 'the KMS key can’t be used',
  fix: 'Enable the key, and allow this identity kms:GenerateDataKey to put or kms:Decrypt to read.',
  exit: 2,
};
const wrongRegion: Meaning = {
  code: 'sink.s3-wrong-region',
  why: 'the bucket is in another region',
  fix: 'Correct archive.s3.region; aws s3api get-bucket-location tells it.',
  exit: 2,
};

/** By S3's own code, https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and other stores'. */
const meanings: Readonly<Record<string, Meaning | undefined>> = {
  AccessDenied: {
    code: 'sink.s3-denied',
    why: 'this identity may not do that there',
    fix: 'Compare its policy and the bucket’s with those in infra/aws; to put takes s3:PutObject on logs/*, no more.',
    exit: 2,
  },
  NoSuchBucket: {
    code: 'sink.s3-no-bucket',
    why: 'there is no such bucket',
    fix: 'Correct archive.s3.bucket, or make the bucket first.',
    exit: 2,
  },
  InvalidAccessKeyId: credentials,
  SignatureDoesNotMatch: credentials,
  ExpiredToken: credentials,
  ExpiredTokenException: credentials,
  TokenRefreshRequired: credentials,
  InvalidToken: credentials,
  RequestTimeTooSkewed: {
    code: 'sink.s3-clock',
    why: 'this machine’s clock is not the store’s',
    fix: 'Set the clock, and keep it set with NTP: the times of all objects hang on it.',
    exit: 2,
  },
  PermanentRedirect: wrongRegion,
  TemporaryRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  SlowDown: busy,
  ServiceUnavailable: busy,
  RequestLimitExceeded: busy,
  ThrottlingException: busy,
  ConditionalRequestConflict: busy,
  OperationAborted: busy,
  QuotaExceeded: full,
  InsufficientStorage: full,
  XMinioStorageFull: full,
  XMinioAdminBucketQuotaExceeded: full,
  InvalidObjectState: {
    code: 'sink.s3-frozen',
    why: 'it lies in a storage class that is not read at once',
    fix: 'Restore the object first: aws s3api restore-object.',
    exit: 1,
  },
};
const byStatus: Readonly<Record<number, Meaning | undefined>> = {
  301: wrongRegion,
  307: wrongRegion,
  401: credentials,
  403: meanings['AccessDenied'],
  409: busy,
  429: busy,
  503: busy,
  507: full,
};
const failed: Meaning = {
  code: 'sink.s3-failed',
  why: 'the store failed',
  fix: 'The same request may be tried again; if it lasts, the code tells the store’s operator what it is.',
  exit: 3,
};

/** An answer that is not what was asked for. Strings are as received. */
export interface S3Refusal {
  readonly status: number;
  /** S3's code, e.g. `AccessDenied`; '' where the answer has none. */
  readonly code: string;
  readonly requestId?: string | undefined;
}

/**
 * What a refusal means to whoever runs the archive. `doing`: `put logs/a/… into`. `exit` goes before
 * the meaning's own, which is that for a writer.
 *
 * Nothing else of the answer is told: S3 repeats the signature, and the session's token, in the body
 * of SignatureDoesNotMatch.
 */
export function refusalError(
  description: string,
  doing: string,
  refusal: S3Refusal,
  exit?: ExitCode,
): PgwitnessError {
  const code = /^[A-Za-z0-9.]{1,64}$/.test(refusal.code) ? refusal.code : '';
  const meaning =
    meanings[code] ??
    (code.startsWith('KMS.') ? key : undefined) ??
    byStatus[refusal.status] ??
    failed;
  const id = refusal.requestId ?? '';
  const answer = [refusal.status, code, /^[\w.-]{1,100}$/.test(id) ? `request ${id}` : '']
    .filter((word) => word !== '')
    .join(' ');
  return new PgwitnessError({
    code: meaning.code,
    message: `Could not ${doing} ${description}: ${meaning.why} (${answer}).`,
    fix: meaning.fix,
    exit: exit ?? meaning.exit,
  });
}

/** No answer, or half of one. `why`: `it did not answer within 2500 ms`. Exit 3. */
export function unreachableError(
  description: string,
  doing: string,
  why: string,
  cause?: unknown,
): PgwitnessError {
  return new PgwitnessError({
    code: 'sink.s3-unreachable',
    message: `Could not ${doing} ${description}: ${why}.`,
    fix: 'Look at the endpoint, the network and its firewalls; the same request may be tried again.',
    exit: 3,
    cause,
  });
}

/** The request's own caller gave it up. */
export function stoppedError(): PgwitnessError {
  return new PgwitnessError({
    code: 'sink.put-stopped',
    message: 'A put was stopped before its object was in place.',
    fix: 'Put it again.',
    exit: 1,
  });
}
