import { describe, expect, test } from 'vitest';
import { rightConfig as right } from '../../test/rig/right-config.ts';
import { parseConfig } from './read-config.ts';

/** The configuration with this archive; more keys at the top in `more`. */
function withArchive(archive: string, more = '') {
  return right.replace('archive: { folder: archive }', `archive: ${archive}${more}`);
}
const s3 = (more = '') => withArchive(`{ s3: { bucket: raxx-logs, region: us-east-1${more} } }`);

function told(text: string) {
  const parsed = parseConfig(text, 'pgwitness.yaml');
  return parsed.ok ? [] : parsed.problems.map(({ line, sentence }) => `${line}: ${sentence}`);
}
function archiveOf(text: string) {
  const parsed = parseConfig(text, '/etc/pgwitness.yaml');
  return parsed.ok ? parsed.config.archive : parsed.problems;
}

describe('an archive in S3', () => {
  test('needs a bucket and a region, and is encrypted unless told otherwise', () => {
    expect(archiveOf(s3())).toEqual({
      kind: 's3',
      bucket: 'raxx-logs',
      region: 'us-east-1',
      encryption: 'AES256',
    });
    expect(told(withArchive('{ s3: { bucket: raxx-logs } }'))).toEqual([
      '2: `archive.s3.region` is missing.',
    ]);
  });

  test('takes all that it can be told of the store and of who puts and reads', () => {
    const more =
      ', endpoint: "https://s3.example.com/", path_style: false, storage_class: STANDARD_IA, encryption: aws:kms, kms_key: alias/logs, writer_profile: drain, reader_profile: audit';
    expect(archiveOf(s3(more))).toEqual({
      kind: 's3',
      bucket: 'raxx-logs',
      region: 'us-east-1',
      endpoint: 'https://s3.example.com',
      pathStyle: false,
      storageClass: 'STANDARD_IA',
      encryption: 'aws:kms',
      kmsKeyId: 'alias/logs',
      writerProfile: 'drain',
      readerProfile: 'audit',
    });
  });

  test.each([
    ['Raxx-Logs', 'must be lower-case letters'],
    ['ab', 'must have 3 to 63 characters'],
    ['a'.repeat(64), 'must have 3 to 63 characters'],
    ['-logs', 'must be lower-case letters'],
    ['raxx..logs', 'has two dots in a row'],
    ['10.0.0.1', 'looks like an IP address'],
    ['xn--logs', 'begins or ends with what S3 keeps for itself'],
    ['logs-s3alias', 'begins or ends with what S3 keeps for itself'],
    ['s3://raxx-logs', 'has a colon or a slash in it'],
    ['raxx-logs/logs', 'has a colon or a slash in it'],
  ])('%s is no name of a bucket', (bucket, why) => {
    const text = s3().replace('raxx-logs', JSON.stringify(bucket));
    expect(told(text)).toEqual([
      expect.stringMatching(`^2: This is no name of a bucket: it ${why}`),
    ]);
  });

  test.each([
    ['s3.example.com', 'The endpoint is no web address.'],
    ['https:s3.example.com', 'The endpoint is no web address.'],
    ['file:///s3', 'The endpoint is no web address.'],
    ['https://key@s3.example.com', 'The endpoint has a user or password in it'],
    ['https://@s3.example.com', 'The endpoint has a user or password in it'],
    ['https://s3.example.com/bucket', 'The endpoint has a path.'],
    ['https://s3.example.com?x=1', 'The endpoint has a query or a fragment.'],
    ['http://s3.example.com', 'The endpoint is http, and not on this machine'],
    ['http://127.0.0.1.example.com', 'The endpoint is http, and not on this machine'],
    ['http://localhost.example.com', 'The endpoint is http, and not on this machine'],
  ])('%s is no endpoint', (endpoint, why) => {
    const found = told(s3(`, endpoint: ${JSON.stringify(endpoint)}`));
    expect(found).toEqual([expect.stringContaining(`2: ${why}`)]);
    // It may hold a secret.
    expect(found.join()).not.toContain('example.com');
  });

  test('an endpoint with a password in it is told to be a secret, and not quoted', () => {
    const found = told(s3(', endpoint: "https://key:hunter2@s3.example.com"'));
    expect(found.join()).toContain('looks like a URL with a password');
    expect(found.join()).not.toContain('hunter2');
  });

  test('AWS keys have no place beside the bucket', () => {
    const key = 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00';
    const found = told(s3(`, AWS_SECRET_ACCESS_KEY: ${key}`));
    expect(found.join()).toContain('looks like an AWS secret key');
    expect(found.join()).not.toContain(key);
  });

  test.each([
    'http://127.0.0.1:9000',
    'http://localhost:9000',
    'http://[::1]:9000',
    'https://s3.example.com:9000',
  ])('%s is one', (endpoint) => {
    expect(archiveOf(s3(`, endpoint: ${JSON.stringify(endpoint)}`))).toMatchObject({ endpoint });
  });

  test('an endpoint of http on another machine has to be meant', () => {
    const meant = s3(', endpoint: "http://minio:9000", allow_http: true');
    expect(archiveOf(meant)).toMatchObject({ endpoint: 'http://minio:9000', allowHttp: true });
  });

  test.each(['GLACIER', 'DEEP_ARCHIVE'])('%s would hide objects from smoke and trail', (named) => {
    expect(told(s3(`, storage_class: ${named}`)).join()).toContain(
      "can't be read before it is restored",
    );
    expect(told(s3(`, storage_class: ${named}, endpoint: "https://a.example"`))).toHaveLength(1);
  });

  test('a storage class is one of AWS, or, with an endpoint, whatever that store has', () => {
    expect(told(s3(', storage_class: GLACIER_IR'))).toEqual([]);
    expect(told(s3(', storage_class: COLD'))).toEqual([
      '2: This is no storage class of AWS that an object can be put into and read from.',
    ]);
    expect(told(s3(', storage_class: COLD, endpoint: "https://a.example"'))).toEqual([]);
    expect(told(s3(', storage_class: standard'))).toEqual([
      '2: `archive.s3.storage_class` must be a storage class such as STANDARD_IA.',
    ]);
  });

  test('a KMS key goes with KMS alone', () => {
    expect(told(s3(', kms_key: k'))).toEqual([
      '2: A KMS key is named, and the objects are not encrypted with KMS.',
    ]);
    expect(told(s3(', kms_key: k, encryption: aws:kms'))).toEqual([]);
    expect(told(s3(', encryption: SSE'))).toEqual([
      '2: `archive.s3.encryption` must be AES256, aws:kms or none.',
    ]);
  });

  test('who puts must not be who reads', () => {
    expect(told(s3(', writer_profile: one, reader_profile: one'))).toEqual([
      '2: The receiver puts with the same profile that the archive is read with.',
    ]);
  });
});

test('an archive is a folder or a bucket: not both, and not neither', () => {
  expect(told(withArchive('{ folder: a, s3: { bucket: raxx-logs, region: us-east-1 } }'))).toEqual([
    '2: `archive` has both a `folder` and an `s3`.',
  ]);
  expect(told(withArchive('{}'))).toEqual(['2: `archive` has neither a `folder` nor an `s3`.']);
  expect(told(right.replace('archive: { folder: archive }', ''))).toEqual([
    '1: `archive` is missing.',
  ]);
});

test('the URL of the receiver is https, or this machine, and has no password', () => {
  const url = (text: string) => withArchive('{ folder: a }', `\nreceiver: { url: "${text}" }`);
  expect(told(url('https://logs.example.com/drain'))).toEqual([]);
  expect(told(url('http://127.0.0.1:8080/'))).toEqual([]);
  expect(told(url('http://logs.example.com/')).join()).toContain(
    'is http, and not on this machine',
  );
  expect(told(url('https://raxx@logs.example.com/')).join()).toContain('has a user or password');
  expect(told(url('https://logs.example.com/?x')).join()).toContain('has a query');
});
