import type { ArchiveConfig } from './config.ts';
import type { WrittenConfig } from './schema.ts';

/** `archive` of a file in which crossCheck found nothing wrong; `here` makes a path of the file absolute. */
export function trustedArchive(
  { folder, s3 }: WrittenConfig['archive'],
  here: (path: string) => string,
): ArchiveConfig {
  if (folder !== undefined) return { kind: 'folder', folder: here(folder) };
  if (s3 === undefined) throw new TypeError('an archive was not checked: it is neither of the two');
  const { endpoint, path_style, storage_class, kms_key, writer_profile, reader_profile } = s3;
  return {
    kind: 's3',
    bucket: s3.bucket,
    region: s3.region,
    encryption: s3.encryption,
    ...(endpoint !== undefined && { endpoint: endpoint.replace(/\/$/, '') }),
    ...(s3.allow_http && { allowHttp: true }),
    ...(path_style !== undefined && { pathStyle: path_style }),
    ...(storage_class !== undefined && { storageClass: storage_class }),
    ...(kms_key !== undefined && { kmsKeyId: kms_key }),
    ...(writer_profile !== undefined && { writerProfile: writer_profile }),
    ...(reader_profile !== undefined && { readerProfile: reader_profile }),
  };
}
