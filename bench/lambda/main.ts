// `npm run bench:lambda`: how soon the zips answer, run by Lambda's own runtime client on this
// machine: a start's first answer, and answers after it. The sink is a real S3 (Ceph's RGW) on loopback,
// and, to tell what is the store's part, a server that takes any put and keeps nothing.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { buildLambda } from '../../scripts/build-lambda.mjs';
import { ensureLambdaRic } from '../../scripts/lambda-ric.mjs';
import { startRgw, stopRgw } from '../../scripts/rgw.mjs';
import { quietSdk } from '../../src/sink/quiet-sdk.ts';
import { startSandbox } from '../../test/rig/lambda-sandbox.ts';
import { urlEvent } from '../../test/rig/lambda-url-event.ts';
import { type LoadFrame, makeFrames } from '../receive/frames.ts';
import { quantile } from '../receive/load-job.ts';

const colds = 20;
const warms = 300;
/** Before these a new process still compiles: what Lambda pays once a sandbox. */
const settling = 50;
const frameBytes = 100_000;
const goals = { coldMs: 200, warmMs: 5 };

interface Store {
  readonly name: string;
  readonly endpoint: string;
  readonly key: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly region: string;
}

const bucket = 'bench-lambda';
const folder = mkdtempSync(join(tmpdir(), 'pgwitness-bench-'));
const ric = await ensureLambdaRic();
const zips = await buildLambda(join(folder, 'zips'));
const rgw = await startRgw({ folder: join(folder, 'rgw'), dieWithParent: true });
const taker = await startTaker();
try {
  quietSdk();
  const client = new S3Client({
    endpoint: rgw.endpoint,
    region: rgw.region,
    credentials: rgw.adminKey,
    forcePathStyle: true,
  });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const stores: Store[] = [
    { name: 'RGW', endpoint: rgw.endpoint, region: rgw.region, key: rgw.adminKey },
    { name: 'nothing kept', endpoint: taker.url, region: 'none', key: rgw.adminKey },
  ];
  console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.versions.node}`);
  for (const { path, bytes } of zips)
    console.log(`${path.split('/').at(-1)}: ${Math.round(bytes / 1000)} KB`);
  console.log(
    `${colds} starts and ${warms} answers each, frames of ${frameBytes / 1000} KB; goals: ${goals.coldMs} ms from the start, ${goals.warmMs} ms warm\n`,
  );
  const rows: Record<string, Record<string, string>> = {};
  for (const store of stores) {
    for (const redacts of [false, true]) {
      const { cold, warm, refused } = await measure(store, redacts);
      rows[`${redacts ? 'redacting' : 'as it came'}, ${store.name}`] = {
        'start to first answer, ms': spread(cold),
        'warm, ms': spread(warm),
        ...(refused > 0 && { 'answered 503': String(refused) }),
      };
    }
  }
  console.table(rows);
  const load = loadavg()[0]?.toFixed(1);
  console.log(
    `median (9 in 10 within); load average ${load}: over 2 it measures what else runs here`,
  );
} finally {
  taker.stop();
  await stopRgw(rgw.folder, { purge: true });
  rmSync(folder, { recursive: true, force: true });
}

async function measure(store: Store, redacts: boolean) {
  const cold: number[] = [];
  const warm: number[] = [];
  let refused = 0;
  const frames = makeFrames(settling + warms, frameBytes, 1, Date.now());
  for (let start = 1; start <= colds; start += 1) {
    const sandbox = await startSandbox({
      ric,
      zip: zips[redacts ? 1 : 0].path,
      env: environment(store, redacts),
    });
    const answered = async (frame: LoadFrame | undefined) => {
      const outcome = await sandbox.invoke(eventOf(frame));
      if (outcome.kind !== 'answered') throw new Error(sandbox.log.join('\n'));
      // On a machine with other work the store or the start can take too long.
      if (outcome.answer.statusCode !== 200) refused += 1;
      return outcome.ms;
    };
    await answered(frames[0]);
    cold.push(sandbox.firstAnswerMs);
    if (start === colds) {
      for (const frame of frames.slice(0, settling)) await answered(frame);
      for (const frame of frames.slice(settling)) warm.push(await answered(frame));
    }
    await sandbox.close();
  }
  return { cold, warm, refused };
}

function environment(store: Store, redacts: boolean): Record<string, string> {
  const drain = { app: 'a', prefix: 'a', user: 'a', secretEnv: 'SECRET', tokens: [] };
  const settings = {
    ...{ version: 1, bucket, region: store.region, endpoint: store.endpoint, encryption: 'AES256' },
    drains: [{ ...drain, ...(redacts && { redactKeyEnv: 'KEY' }) }],
  };
  return {
    PGWITNESS_RECEIVER: JSON.stringify(settings),
    SECRET: 'secret',
    KEY: 'a key of more than thirty-two characters',
    AWS_ACCESS_KEY_ID: store.key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: store.key.secretAccessKey,
  };
}

function eventOf(frame: LoadFrame | undefined): object {
  return urlEvent({
    headers: {
      authorization: `Basic ${Buffer.from('a:secret').toString('base64')}`,
      'content-type': 'application/logplex-1',
      'logplex-frame-id': randomUUID().replaceAll('-', '').toUpperCase(),
    },
    body: frame?.body ?? new Uint8Array(),
  });
}

/** Takes any put. */
async function startTaker() {
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(200, { etag: '"x"' }).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function spread(values: readonly number[]): string {
  const ascending = values.toSorted((a, b) => a - b);
  return `${quantile(ascending, 0.5).toFixed(1)} (${quantile(ascending, 0.9).toFixed(1)})`;
}
