import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  CreateBucketCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { SignatureV4 } from '@smithy/signature-v4';
import { inject } from 'vitest';
import type { RgwServer } from '../../scripts/rgw.mjs';
import type { CredentialSource } from '../../src/sink/aws-credentials.ts';
import { quietSdk } from '../../src/sink/quiet-sdk.ts';
import type { S3Place } from '../../src/sink/s3-place.ts';
import { NodeSha256 } from '../../src/sink/s3-signer.ts';

/** A real S3, with the account that owns its buckets. Shared by all tests of a run: each makes its own buckets. */
export interface S3World {
  readonly server: RgwServer;
  /** The account's own key: it may do everything. */
  readonly owner: CredentialSource;
  /** AWS's SDK, signing as the owner. */
  readonly client: S3Client;
  /** AWS's SDK, signing as somebody else. */
  clientOf(credentials: CredentialSource): S3Client;
  /** An empty bucket, and how to reach it. */
  newBucket(options?: { readonly versioned?: boolean }): Promise<S3Place>;
  /** Sets a quota: the bucket takes so many objects, and no more. */
  limitObjects(bucket: string, count: number): Promise<void>;
  setBucketPolicy(bucket: string, policy: string): Promise<void>;
  /**
   * A role with this one policy, assumed by a user who owns no bucket: to RGW a session that the
   * owner opens is the owner's own where a bucket's settings are concerned, whatever its policy says.
   */
  newRole(policy: string): Promise<CredentialSource>;
}

/** Whether there is a real S3: define tests of it only then. */
export const hasS3 = inject('s3') !== '';

/** The server starts when the first test of a run asks for it: 1 to 3 s. */
export async function startS3World(): Promise<S3World> {
  quietSdk();
  const answer = await fetch(inject('s3'));
  if (!answer.ok) throw new Error(`The S3 server did not start: ${await answer.text()}`);
  const server = (await answer.json()) as RgwServer;
  const owner: CredentialSource = async () => server.adminKey;
  const settings = { endpoint: server.endpoint, region: server.region };
  const user = await newUser(server);
  const clientOf = (credentials: CredentialSource) =>
    new S3Client({ ...settings, credentials, forcePathStyle: true, maxAttempts: 1 });
  const client = clientOf(owner);
  return {
    server,
    owner,
    client,
    clientOf,
    async newBucket({ versioned = false } = {}) {
      const bucket = `bucket-${randomBytes(6).toString('hex')}`;
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      if (versioned) {
        await client.send(
          new PutBucketVersioningCommand({
            Bucket: bucket,
            VersioningConfiguration: { Status: 'Enabled' },
          }),
        );
      }
      return { bucket, ...settings };
    },
    async limitObjects(bucket, count) {
      await ask(server, 'PUT', '/admin/bucket', {
        ...{ quota: '', uid: 'admin', bucket, enabled: 'true' },
        // Without a size RGW takes none.
        ...{ 'max-objects': String(count), 'max-size-kb': '1000000' },
      });
    },
    async setBucketPolicy(bucket, policy) {
      await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: policy }));
    },
    async newRole(policy) {
      const role = `role-${randomBytes(6).toString('hex')}`;
      const trust = {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { AWS: [`arn:aws:iam:::user/${user.name}`] },
            Action: ['sts:AssumeRole'],
          },
        ],
      };
      await ask(server, 'POST', '/', {
        Action: 'CreateRole',
        RoleName: role,
        Path: '/',
        AssumeRolePolicyDocument: JSON.stringify(trust),
      });
      await ask(server, 'POST', '/', {
        Action: 'PutRolePolicy',
        RoleName: role,
        PolicyName: 'policy',
        PolicyDocument: policy,
      });
      const sts = new STSClient({ ...settings, credentials: user.key });
      const { Credentials: given } = await sts.send(
        new AssumeRoleCommand({ RoleArn: `arn:aws:iam:::role/${role}`, RoleSessionName: 'test' }),
      );
      const credentials = {
        accessKeyId: given?.AccessKeyId ?? '',
        secretAccessKey: given?.SecretAccessKey ?? '',
        sessionToken: given?.SessionToken ?? '',
      };
      return async () => credentials;
    },
  };
}

/** A policy of infra/aws, for another bucket than the one it names. */
export async function shippedPolicy(name: string, bucket: string): Promise<string> {
  const text = await readFile(new URL(`../../infra/aws/${name}.json`, import.meta.url), 'utf8');
  return text.replaceAll('raxx-heroku-logs-prod', bucket);
}

/** A user of RGW, which is an account of its own. */
async function newUser(server: RgwServer) {
  const name = `user-${randomBytes(6).toString('hex')}`;
  const key = { accessKeyId: name, secretAccessKey: randomBytes(20).toString('hex') };
  await ask(server, 'PUT', '/admin/user', {
    ...{ uid: name, 'display-name': name },
    ...{ 'access-key': key.accessKeyId, 'secret-key': key.secretAccessKey },
  });
  return { name, key };
}

/** RGW's IAM and its own administration: the SDK's client for the one is not worth a dependency. */
async function ask(
  server: RgwServer,
  method: string,
  path: string,
  query: Record<string, string>,
): Promise<void> {
  const url = new URL(path, server.endpoint);
  const signer = new SignatureV4({
    service: 's3',
    region: server.region,
    credentials: server.adminKey,
    sha256: NodeSha256,
    uriEscapePath: false,
  });
  const { protocol, hostname, host, port } = url;
  const signed = await signer.sign({
    ...{ method, protocol, hostname, port: Number(port), path, query, headers: { host } },
  });
  url.search = new URLSearchParams(query).toString().replaceAll('+', '%20');
  const answer = await fetch(url, { method, headers: signed.headers });
  if (!answer.ok)
    throw new Error(`${query['Action'] ?? path}: ${answer.status} ${await answer.text()}`);
}
