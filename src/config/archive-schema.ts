import { z } from 'zod';

const s3Schema = z.strictObject({
  bucket: z.string().min(1).max(256).describe('Name of the bucket, which has to exist.'),
  region: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be a region such as us-east-1')
    .describe('Region of the bucket, e.g. us-east-1; what another S3 calls its own.'),
  endpoint: z
    .string()
    .min(1)
    .max(2048)
    .optional()
    .describe(
      'URL of an S3 other than AWS, https://host or https://host:port. Where it is absent AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL are looked at, then it is AWS.',
    ),
  allow_http: z
    .boolean()
    .default(false)
    .describe(
      'The endpoint may be http: on another host than this, what is logged travels in clear.',
    ),
  path_style: z
    .boolean()
    .optional()
    .describe(
      'Whether the bucket stands in the path of a URL (true) or in its host; where absent true with an endpoint of your own or a bucket whose name has dots.',
    ),
  storage_class: z
    .string()
    .regex(/^[A-Z][A-Z0-9_-]{0,63}$/, 'must be a storage class such as STANDARD_IA')
    .optional()
    .describe("Storage class of new objects; the bucket's default where absent."),
  encryption: z
    .enum(['AES256', 'aws:kms', 'none'])
    .default('AES256')
    .describe(
      'How the store encrypts: AES256 (SSE-S3), aws:kms, or none (it is not asked to; a bucket may all the same).',
    ),
  kms_key: z
    .string()
    .min(1)
    .max(2048)
    .optional()
    .describe(
      "Id, alias or ARN of the KMS key, with `encryption: aws:kms`; AWS's own where absent.",
    ),
  writer_profile: profile(
    'Profile of the AWS configuration that the receiver puts with; where absent what the environment gives.',
  ),
  reader_profile: profile(
    'Profile of the AWS configuration that `trail` and `smoke` read with; where absent what the environment gives.',
  ),
});

function profile(description: string) {
  return z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/, 'must be the name of a profile')
    .optional()
    .describe(description);
}

/** `archive` as written: that it has exactly one of the two is crossCheck's to say. */
export const archiveSchema = z
  .strictObject({
    folder: z
      .string()
      .min(1)
      .optional()
      .describe('Folder, absolute or relative to this file. Either this or `s3`.'),
    s3: s3Schema.optional().describe('A bucket of S3 instead of a folder.'),
  })
  .describe('Where objects are put and read.');
