import type { Config, S3ArchiveConfig } from '../config/config.ts';
import { wrongAddress } from '../config/web-address.ts';
import { PgwitnessError } from '../error.ts';
import type { CredentialSource } from '../sink/aws-credentials.ts';
import type { S3Place } from '../sink/s3-place.ts';
import type { Archive, Sink } from '../sink/sink.ts';
import type { Cli } from './context.ts';

/**
 * Where `config` has objects put, opened for putting alone; `close` ends its connections. Throws what
 * `openFolderSink` throws, and, exit 2, `cli.bad-endpoint` and `sink.s3-credentials`: that there are none
 * can be known without asking S3, where everything else shows with the first put.
 */
export async function openSink(
  { archive }: Pick<Config, 'archive'>,
  { env }: Pick<Cli, 'env'>,
): Promise<Sink & { close(): void }> {
  if (archive.kind === 'folder') {
    const { openFolderSink } = await import('../sink/folder-sink.ts');
    const sink = await openFolderSink(archive.folder);
    return { ...sink, close: () => undefined };
  }
  const { openS3Sink } = await import('../sink/s3-sink.ts');
  const { encryption, kmsKeyId, storageClass, writerProfile } = archive;
  const place = await s3Place(archive, env);
  const credentials = await credentialsFor(writerProfile, env);
  await credentials();
  return openS3Sink({
    ...place,
    encryption,
    ...(kmsKeyId !== undefined && { kmsKeyId }),
    ...(storageClass !== undefined && { storageClass }),
    credentials,
  });
}

/** The same objects, to be read by whoever the environment or `reader_profile` says. Throws `cli.bad-endpoint`, exit 2. */
export async function openArchive(
  { archive }: Pick<Config, 'archive'>,
  { env }: Pick<Cli, 'env'>,
): Promise<Archive> {
  if (archive.kind === 'folder') {
    const { folderArchive } = await import('../sink/folder-archive.ts');
    return folderArchive(archive.folder);
  }
  const { s3Archive } = await import('../sink/s3-archive.ts');
  return s3Archive({
    ...(await s3Place(archive, env)),
    credentials: await credentialsFor(archive.readerProfile, env),
  });
}

async function s3Place(archive: S3ArchiveConfig, env: Cli['env']): Promise<S3Place> {
  const { bucket, region, pathStyle } = archive;
  const endpoint = archive.endpoint ?? (await environmentEndpoint(archive, env));
  return {
    bucket,
    region,
    ...(endpoint !== undefined && { endpoint }),
    ...(pathStyle !== undefined && { pathStyle }),
  };
}

/** The endpoint that the environment names: checked as the file's is, for it decides who gets the log. */
async function environmentEndpoint(
  { allowHttp }: S3ArchiveConfig,
  env: Cli['env'],
): Promise<string | undefined> {
  const { s3EndpointFrom } = await import('../sink/s3-place.ts');
  const endpoint = s3EndpointFrom(env);
  if (endpoint === undefined) return undefined;
  const wrong = wrongAddress(endpoint, allowHttp === undefined ? {} : { allowHttp });
  if (wrong === undefined) return endpoint.replace(/\/$/, '');
  const name = env['AWS_ENDPOINT_URL_S3'] === endpoint ? 'AWS_ENDPOINT_URL_S3' : 'AWS_ENDPOINT_URL';
  throw new PgwitnessError({
    code: 'cli.bad-endpoint',
    message: `${name} ${wrongWords[wrong]}.`,
    fix:
      wrong === 'http'
        ? 'Set it to an https address, or add `allow_http: true` to `archive.s3` where the way there is yours alone.'
        : 'Set it to an address such as https://s3.example.com, or unset it for AWS.',
    exit: 2,
  });
}

const wrongWords = {
  'no-url': 'is no web address',
  credentials: 'has a user or password in it, which is not how S3 is asked',
  query: 'has a query or a fragment',
  path: 'has a path',
  http: 'is http, and not on this machine: the log would travel in clear',
} as const;

/**
 * A profile of the AWS configuration where the file names one; else the keys of the environment; else what
 * AWS's own chain finds (a role of the machine, of the container, of single sign-on).
 */
async function credentialsFor(
  profile: string | undefined,
  env: Cli['env'],
): Promise<CredentialSource> {
  const { environmentCredentials, profileCredentials } = await import('../sink/aws-credentials.ts');
  if (profile !== undefined) return profileCredentials(profile);
  const key = env['AWS_ACCESS_KEY_ID'] ?? '';
  return key === '' ? profileCredentials() : environmentCredentials(env);
}
