import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { missingRgwPrograms, rgwPackages, startRgw, stopRgw } from '../../scripts/rgw.mjs';
import { quietSdk } from '../../src/sink/quiet-sdk.ts';
import { s3Archive } from '../../src/sink/s3-archive.ts';
import type { ReceiverStore } from './receiver-home.ts';

/** A Ceph RGW of this process, in which each store is a bucket of its own. */
export interface RgwStores {
  newStore(): Promise<ReceiverStore>;
  stop(): Promise<void>;
}

/** How to get what is missing here to start one; '' where nothing is. */
export function whatRgwLacks(): string {
  const missing = missingRgwPrograms();
  return missing.length === 0 ? '' : `apt-get install ${rgwPackages.join(' ')}`;
}

/** Takes 1 to 3 s; ends with this process. */
export async function startRgwStores(): Promise<RgwStores> {
  quietSdk();
  const folder = await mkdtemp(join(tmpdir(), 'pgwitness-rgw-'));
  const server = await startRgw({ folder, dieWithParent: true });
  const { endpoint, region, adminKey } = server;
  const client = new S3Client({
    endpoint,
    region,
    credentials: adminKey,
    forcePathStyle: true,
  });
  return {
    async newStore() {
      const bucket = `bucket-${randomBytes(6).toString('hex')}`;
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      return {
        yaml: `archive: { s3: { bucket: ${bucket}, region: ${region}, endpoint: "${endpoint}" } }`,
        env: {
          AWS_ACCESS_KEY_ID: adminKey.accessKeyId,
          AWS_SECRET_ACCESS_KEY: adminKey.secretAccessKey,
        },
        archive: () =>
          s3Archive({ bucket, endpoint, region, credentials: () => Promise.resolve(adminKey) }),
        // It is gone with the server, which keeps its objects in memory.
        remove: () => Promise.resolve(),
      };
    },
    async stop() {
      client.destroy();
      await stopRgw(server.folder, { purge: true });
    },
  };
}
