import { readFile } from 'node:fs/promises';
import * as s3 from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { hasS3, type S3World, shippedPolicy, startS3World } from '../../test/rig/s3-world.ts';
import { listed } from '../../test/rig/sink-conformance.ts';
import type { CredentialSource } from './aws-credentials.ts';
import { s3Archive } from './s3-archive.ts';
import type { S3Place } from './s3-place.ts';
import { openS3Sink } from './s3-sink.ts';

const key = 'logs/a/2026/06/30/1782863998123-00000000-0000-4000-8000-000000000000.gz';
const body = Buffer.from('what the receiver puts');

/** A statement whose condition Ceph's RGW does not know: with it, it allows no put at all. */
const unknownToRgw = 'NoOverwriteOfLogs';
/** An action that it does not know, so that it takes no policy which names it. */
const noActionOfRgw = /,\s*"s3:GetEncryptionConfiguration"/;

if (hasS3) {
  let world: S3World;
  let place: S3Place;
  let writer: CredentialSource;
  let reader: CredentialSource;
  let firstVersion = '';

  /** A bucket as the runbook keeps it, and the two identities that infra/aws describes. */
  beforeAll(async () => {
    world = await startS3World();
    place = await world.newBucket({ versioned: true });
    const { bucket } = place;
    const policy = JSON.parse(await shippedPolicy('archive-bucket-policy', bucket));
    const Statement = policy.Statement.filter(({ Sid }: { Sid: string }) => Sid !== unknownToRgw);
    await world.setBucketPolicy(bucket, JSON.stringify({ ...policy, Statement }));
    writer = await world.newRole(await shippedPolicy('receiver-role-policy', bucket));
    const readerPolicy = await shippedPolicy('archive-reader-policy', bucket);
    reader = await world.newRole(readerPolicy.replace(noActionOfRgw, ''));
    const sink = openS3Sink({ ...place, credentials: writer });
    expect(await sink.put(key, body)).toBe('stored');
    sink.close();
    firstVersion = (await versions())[0]?.VersionId ?? '';
  });

  async function versions(): Promise<s3.ObjectVersion[]> {
    const found = await world.client.send(
      new s3.ListObjectVersionsCommand({ Bucket: place.bucket }),
    );
    expect(found.DeleteMarkers ?? []).toEqual([]);
    return found.Versions ?? [];
  }

  describe('the receiver’s identity', () => {
    const attempts = (Bucket: string) => ({
      'read an object': new s3.GetObjectCommand({ Bucket, Key: key }),
      'read a version': new s3.GetObjectCommand({ Bucket, Key: key, VersionId: firstVersion }),
      'ask whether an object is there': new s3.HeadObjectCommand({ Bucket, Key: key }),
      list: new s3.ListObjectsV2Command({ Bucket }),
      'list below logs/': new s3.ListObjectsV2Command({ Bucket, Prefix: 'logs/a/' }),
      'list versions': new s3.ListObjectVersionsCommand({ Bucket }),
      'delete an object': new s3.DeleteObjectCommand({ Bucket, Key: key }),
      'delete a version': new s3.DeleteObjectCommand({ Bucket, Key: key, VersionId: firstVersion }),
      'put a seal': new s3.PutObjectCommand({ Bucket, Key: 'seal/checkpoint', Body: 'x' }),
      'put a mark': new s3.PutObjectCommand({ Bucket, Key: 'state/mark', Body: 'x' }),
      'put history': new s3.PutObjectCommand({ Bucket, Key: 'history/a', Body: 'x' }),
      'put at the root': new s3.PutObjectCommand({ Bucket, Key: 'logs', Body: 'x' }),
      'put beside logs/': new s3.PutObjectCommand({ Bucket, Key: 'logs2/a', Body: 'x' }),
      'climb out of logs/': new s3.PutObjectCommand({ Bucket, Key: '../seal/a', Body: 'x' }),
      'copy what it may not read': new s3.CopyObjectCommand({
        ...{ Bucket, Key: 'logs/copy', CopySource: `${Bucket}/${key}` },
      }),
      'open an object to all': new s3.PutObjectAclCommand({ Bucket, Key: key, ACL: 'public-read' }),
      'open the bucket to all': new s3.PutBucketAclCommand({ Bucket, ACL: 'public-read-write' }),
      'see whether versions are kept': new s3.GetBucketVersioningCommand({ Bucket }),
      'end versioning': new s3.PutBucketVersioningCommand({
        Bucket,
        VersioningConfiguration: { Status: 'Suspended' },
      }),
      'let objects expire': new s3.PutBucketLifecycleConfigurationCommand({
        Bucket,
        LifecycleConfiguration: {
          Rules: [{ Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 1 } }],
        },
      }),
      'open the bucket to web pages': new s3.PutBucketCorsCommand({
        Bucket,
        CORSConfiguration: { CORSRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }] },
      }),
      'lift the block of public access': new s3.DeletePublicAccessBlockCommand({ Bucket }),
      'tag an object, which a lifecycle rule may go by': new s3.PutObjectTaggingCommand({
        ...{ Bucket, Key: key, Tagging: { TagSet: [{ Key: 'expire', Value: 'now' }] } },
      }),
      'see uploads of others': new s3.ListMultipartUploadsCommand({ Bucket }),
      'read the bucket’s policy': new s3.GetBucketPolicyCommand({ Bucket }),
      'change the bucket’s policy': new s3.PutBucketPolicyCommand({
        Bucket,
        Policy: allowAll(Bucket),
      }),
      'drop the bucket’s policy': new s3.DeleteBucketPolicyCommand({ Bucket }),
      'delete the bucket': new s3.DeleteBucketCommand({ Bucket }),
      'make a bucket': new s3.CreateBucketCommand({ Bucket: `${Bucket}-2` }),
      'see other buckets': new s3.ListBucketsCommand({}),
    });
    const names = Object.keys(attempts('bucket')) as (keyof ReturnType<typeof attempts>)[];
    test.each(names)('may not %s', async (name) => {
      // The union of all commands is more than the client's overloads can tell apart.
      const attempt = attempts(place.bucket)[name] as s3.GetObjectCommand;
      const refused = await world
        .clientOf(writer)
        .send(attempt)
        .catch((error: unknown) => error);
      expect(refused).toMatchObject({ $metadata: { httpStatusCode: 403 } });
    });

    test('may not delete many at once', async () => {
      const outcome = await world
        .clientOf(writer)
        .send(
          new s3.DeleteObjectsCommand({
            Bucket: place.bucket,
            Delete: { Objects: [{ Key: key }, { Key: key, VersionId: firstVersion }] },
          }),
        )
        .catch((error: { name: string }) => error.name);
      if (typeof outcome === 'string') expect(outcome).toBe('AccessDenied');
      else expect(outcome.Errors).toHaveLength(2);
      expect(await versions()).toHaveLength(1);
    });

    test('may not put under another prefix through the sink either, and is told what it lacks', async () => {
      const sink = openS3Sink({ ...place, credentials: writer });
      onTestFinished(() => sink.close());
      await expect(sink.put('seal/checkpoint', body)).rejects.toMatchObject({
        code: 'sink.s3-denied',
        exit: 2,
        message: expect.stringContaining('403 AccessDenied'),
        fix: expect.stringContaining('infra/aws'),
      });
    });

    test('has no archive: what it put it can neither list nor read', async () => {
      const archive = s3Archive({ ...place, credentials: writer });
      await expect(listed(archive, 'logs/')).rejects.toMatchObject({
        code: 'sink.s3-denied',
        exit: 3,
      });
      await expect(archive.read(key)).rejects.toMatchObject({ code: 'sink.s3-denied', exit: 3 });
    });

    test('overwrites an object with a new version at most: the earlier one stays in place', async () => {
      const Key = key.replace('/a/', '/b/');
      const sink = openS3Sink({ ...place, credentials: writer });
      onTestFinished(() => sink.close());
      await sink.put(Key, body);
      const stolen = world.clientOf(writer);
      await stolen.send(new s3.PutObjectCommand({ Bucket: place.bucket, Key, Body: 'forged' }));
      const kept = (await versions()).filter((version) => version.Key === Key);
      expect(kept.map(({ IsLatest }) => IsLatest)).toEqual([true, false]);
      const earlier = await world
        .clientOf(reader)
        .send(
          new s3.GetObjectCommand({ Bucket: place.bucket, Key, VersionId: kept[1]?.VersionId }),
        );
      expect(await earlier.Body?.transformToString()).toBe(body.toString());
    });

    test('is told of an object that is there, though it may not read it', async () => {
      const plain = await world.newBucket();
      const role = await world.newRole(await shippedPolicy('receiver-role-policy', plain.bucket));
      const sink = openS3Sink({ ...plain, credentials: role });
      onTestFinished(() => sink.close());
      expect(await sink.put(key, body)).toBe('stored');
      expect(await sink.put(key, body)).toBe('exists');
    });
  });

  describe('the archive reader’s identity', () => {
    test('lists and reads what was put, each of its versions, and how the bucket is kept', async () => {
      const archive = s3Archive({ ...place, credentials: reader });
      expect(await listed(archive, 'logs/a/')).toMatchObject([{ key, size: body.length }]);
      expect(Buffer.from(await archive.read(key))).toEqual(body);
      const client = world.clientOf(reader);
      const Bucket = place.bucket;
      await client.send(new s3.GetObjectCommand({ Bucket, Key: key, VersionId: firstVersion }));
      await client.send(new s3.ListObjectVersionsCommand({ Bucket, Prefix: 'logs/a/' }));
      const kept = await client.send(new s3.GetBucketVersioningCommand({ Bucket }));
      expect(kept.Status).toBe('Enabled');
    });

    test.each(['', 'seal/', 'state/', 'history/'])('may not list %j', async (prefix) => {
      await expect(
        listed(s3Archive({ ...place, credentials: reader }), prefix),
      ).rejects.toMatchObject({ code: 'sink.s3-denied' });
    });

    test('may not put, overwrite or delete', async () => {
      const client = world.clientOf(reader);
      const Bucket = place.bucket;
      for (const attempt of [
        new s3.PutObjectCommand({ Bucket, Key: 'logs/a/x', Body: 'x' }),
        new s3.PutObjectCommand({ Bucket, Key: key, Body: 'x' }),
        new s3.DeleteObjectCommand({ Bucket, Key: key }),
        new s3.DeleteObjectCommand({ Bucket, Key: key, VersionId: firstVersion }),
      ]) {
        await expect(client.send(attempt as s3.PutObjectCommand)).rejects.toMatchObject({
          name: 'AccessDenied',
        });
      }
    });
  });

  test('with the bucket’s policy not even its owner erases what is below logs/', async () => {
    const Bucket = place.bucket;
    for (const VersionId of [undefined, firstVersion]) {
      await expect(
        world.client.send(new s3.DeleteObjectCommand({ Bucket, Key: key, VersionId })),
      ).rejects.toMatchObject({ name: 'AccessDenied' });
    }
  });
}

test('the bucket’s policy gives nobody anything, and demands that a put under logs/ overwrites nothing', async () => {
  const url = new URL('../../infra/aws/archive-bucket-policy.json', import.meta.url);
  const { Statement } = JSON.parse(await readFile(url, 'utf8'));
  for (const { Effect, Principal } of Statement) {
    expect({ Effect, Principal }).toEqual({ Effect: 'Deny', Principal: '*' });
  }
  expect(Statement).toContainEqual({
    ...{ Sid: unknownToRgw, Effect: 'Deny', Principal: '*', Action: 's3:PutObject' },
    Resource: 'arn:aws:s3:::raxx-heroku-logs-prod/logs/*',
    Condition: { Null: { 's3:if-none-match': 'true' } },
  });
});

function allowAll(bucket: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: '*', Action: 's3:*', Resource: `arn:aws:s3:::${bucket}/*` },
    ],
  });
}
