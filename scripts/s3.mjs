// `npm run s3 -- up|down|status [--folder DIR] [--port N] [--bucket NAME] [--purge]`: a real S3 (Ceph RGW) on loopback.
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isRgwUp, missingRgwPrograms, rgwOf, rgwPackages, startRgw, stopRgw } from './rgw.mjs';

const usage = `usage: npm run s3 -- up|down|status [--folder DIR] [--port N] [--bucket NAME] [--purge]
  up      start an S3 server on loopback, and print how to reach it; --bucket makes a bucket in it
  down    stop it; --purge removes its folder, too
  status  whether it runs, and how to reach it
Its state is in --folder (default: pgwitness-s3-<user> in the system's temporary folder). Objects are
kept in memory: they end with the server.`;

function fail(message, fix, exit) {
  console.error(`error ${message}\n  fix ${fix}`);
  process.exit(exit);
}

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        folder: { type: 'string', default: join(tmpdir(), `pgwitness-s3-${userInfo().username}`) },
        port: { type: 'string' },
        bucket: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
        purge: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return fail(error.message, usage, 2);
  }
}

function print(server) {
  console.log(`AWS_ENDPOINT_URL_S3=${server.endpoint}
AWS_REGION=${server.region}
AWS_ACCESS_KEY_ID=${server.adminKey.accessKeyId}
AWS_SECRET_ACCESS_KEY=${server.adminKey.secretAccessKey}`);
}

/** Makes a bucket, or finds it there. */
async function makeBucket(server, bucket) {
  // Its word on Node's version is for whoever builds with it.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const { S3Client, CreateBucketCommand } = await import('@aws-sdk/client-s3');
  const { endpoint, region, adminKey: credentials } = server;
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  await client
    .send(new CreateBucketCommand({ Bucket: bucket }))
    .catch((error) =>
      fail(`The bucket ${bucket} can't be made (${error.name}).`, 'Give another --bucket.', 1),
    );
  client.destroy();
}

const { values, positionals } = parsed();
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const { folder, purge } = values;
const port = values.port === undefined ? undefined : Number(values.port);
if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536)) {
  fail(`--port ${values.port} is no port.`, usage, 2);
}
const verb = positionals.length === 1 ? positionals[0] : '';
if (verb === 'up') {
  const missing = missingRgwPrograms();
  if (missing.length > 0) {
    fail(`Not installed: ${missing.join(', ')}.`, `apt-get install ${rgwPackages.join(' ')}`, 2);
  }
  const begin = Date.now();
  const wasUp = await isRgwUp(folder);
  const starting = wasUp
    ? rgwOf(folder)
    : startRgw({ folder, ...(port === undefined ? {} : { port }) });
  const server = await starting.catch((error) =>
    fail(error.message.trim(), `Look at what its programs said in ${join(folder, 'log')}.`, 1),
  );
  if (values.bucket !== undefined) await makeBucket(server, values.bucket);
  print(server);
  if (!wasUp) {
    console.error(`up after ${((Date.now() - begin) / 1000).toFixed(1)} s; state in ${folder}`);
  }
} else if (verb === 'down') {
  const stopped = await stopRgw(folder, { purge });
  console.log(
    stopped.length === 0
      ? `nothing runs from ${folder}`
      : `stopped ${stopped.map(({ name, pid }) => `${name} (${pid})`).join(', ')}`,
  );
} else if (verb === 'status') {
  if (!(await isRgwUp(folder))) fail(`No S3 server runs from ${folder}.`, 'npm run s3 -- up', 1);
  print(await rgwOf(folder));
} else fail('One of up, down, status is needed.', usage, 2);
