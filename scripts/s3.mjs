// `npm run s3 -- up|down|status [--folder DIR] [--port N] [--purge]`: a real S3 (Ceph RGW) on loopback.
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isRgwUp, missingRgwPrograms, rgwOf, rgwPackages, startRgw, stopRgw } from './rgw.mjs';

const usage = `usage: npm run s3 -- up|down|status [--folder DIR] [--port N] [--purge]
  up      start an S3 server on loopback, and print how to reach it
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

const { values, positionals } = parsed();
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
  if (await isRgwUp(folder)) print(await rgwOf(folder));
  else {
    const begin = Date.now();
    const started = startRgw({ folder, ...(port === undefined ? {} : { port }) });
    print(
      await started.catch((error) =>
        fail(error.message.trim(), `Look at what its programs said in ${join(folder, 'log')}.`, 1),
      ),
    );
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
