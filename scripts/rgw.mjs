// A Ceph RGW, which is a real S3 with versions, policies, roles and lifecycle, on loopback: one
// monitor, one OSD in memory, one gateway. All of its state lies in one folder, all of its ports are
// free ones, so that several run side by side; only what a folder's server.json records is stopped.
import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cephConfig } from './rgw-config.mjs';

/** Debian packages that bring the programs. */
export const rgwPackages = ['ceph-mon', 'ceph-osd', 'ceph-common', 'radosgw'];
const programs = [
  'ceph-mon',
  'ceph-osd',
  'ceph',
  'monmaptool',
  'radosgw',
  'radosgw-admin',
  'setpriv',
];
/** Besides STANDARD: each one costs a start 0.5 s. */
const storageClasses = ['STANDARD_IA'];
const startLimitMs = 60_000;
const stopLimitMs = 5_000;
const run = (program, args) => promisify(execFile)(program, args, { timeout: startLimitMs });

/** Programs that are needed and not on the path. */
export function missingRgwPrograms(env = process.env) {
  const folders = (env.PATH ?? '').split(delimiter);
  return programs.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
}

/** What `startRgw` wrote of the server in a folder, or undefined where there is none. */
export async function rgwOf(folder) {
  const text = await readFile(recordPath(folder), 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : JSON.parse(text).server;
}

/** Whether all of its processes run. */
export async function isRgwUp(folder) {
  const { processes = [] } = (await readRecord(folder)) ?? {};
  return processes.length === 3 && processes.every(isAlive);
}

/**
 * Starts a server whose state is in `folder`, which is made anew: whatever ran from it is stopped.
 * `dieWithParent`: the processes end when this one does, however it ends. `lifecycleDaySeconds`:
 * how long a lifecycle rule's day is.
 */
export async function startRgw({ folder, port, dieWithParent = false, lifecycleDaySeconds }) {
  const root = resolve(folder);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await stopRgw(root, { purge: true });
      return await startOnce(root, port ?? (await freePort()), dieWithParent, lifecycleDaySeconds);
    } catch (error) {
      await stopRgw(root);
      // Another process may have taken a port between our look and the server's.
      if (attempt === 3 || port !== undefined) throw error;
    }
  }
}

async function startOnce(root, port, dieWithParent, lifecycleDaySeconds) {
  await Promise.all(
    ['mon/a', 'osd/0', 'rgw', 'run', 'log'].map((name) =>
      mkdir(join(root, name), { recursive: true }),
    ),
  );
  // From now on the folder is one of ours, and what a start that fails leaves there goes with the next.
  await writeRecord(root, { processes: [] });
  const clusterId = randomUUID();
  const monitorPort = await freePort();
  const config = join(root, 'ceph.conf');
  const keyring = join(root, 'keyring');
  await writeFile(config, cephConfig({ root, clusterId, monitorPort, port, lifecycleDaySeconds }));

  // The monitor takes all of these over when it is made.
  const osdKey = cephKey();
  const osdKeyring = join(root, 'osd/0/keyring');
  await writeFile(osdKeyring, keyringEntry('osd.0', osdKey));
  await writeFile(
    keyring,
    keyringEntry('mon.', cephKey(), { mon: 'allow *' }) +
      keyringEntry('client.admin', cephKey(), everything) +
      keyringEntry('client.rgw.a', cephKey(), everything) +
      keyringEntry('osd.0', osdKey, {
        mon: 'allow profile osd',
        mgr: 'allow profile osd',
        osd: 'allow *',
      }),
  );
  const monitorMap = join(root, 'monmap');
  const address = `[v2:127.0.0.1:${monitorPort}]`;
  await run('monmaptool', ['--create', '--fsid', clusterId, '--addv', 'a', address, monitorMap]);
  const osdId = randomUUID();
  await run('ceph-mon', [
    '-c',
    config,
    '--mkfs',
    '-i',
    'a',
    '--monmap',
    monitorMap,
    '--keyring',
    keyring,
  ]);
  await startDaemon(root, 'ceph-mon', ['-c', config, '-f', '-i', 'a'], dieWithParent);
  const asAdmin = ['-c', config, '--name', 'client.admin', '--keyring', keyring];
  await Promise.all([
    run('ceph', [...asAdmin, '--connect-timeout', '20', 'osd', 'new', osdId]),
    run('ceph-osd', ['-c', config, '--mkfs', '-i', '0', '--osd-uuid', osdId]),
  ]);
  await startDaemon(root, 'ceph-osd', ['-c', config, '-f', '-i', '0'], dieWithParent);

  const admin = (...args) => run('radosgw-admin', ['-c', config, ...args]);
  const adminKey = newKey();
  // The first call makes the zone and its pools, once the OSD is up.
  await admin(
    ...['user', 'create', '--uid', 'admin', '--display-name', 'admin'],
    ...['--access-key', adminKey.accessKeyId, '--secret', adminKey.secretAccessKey],
    ...['--caps', 'users=*;buckets=*;roles=*;user-policy=*;metadata=*;usage=*'],
  );
  await addStorageClasses(admin);
  await startDaemon(
    root,
    'radosgw',
    ['-c', config, '--keyring', keyring, '-f', '-n', 'client.rgw.a'],
    dieWithParent,
  );
  await waitForPort(root, port);
  const server = {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'default',
    adminKey,
    config,
    folder: root,
  };
  await writeRecord(root, { ...(await readRecord(root)), server });
  return server;
}

/** So that a put's storage class and lifecycle transitions are real. */
async function addStorageClasses(admin) {
  for (const name of storageClasses) {
    const placement = ['--placement-id', 'default-placement', '--storage-class', name];
    await admin('zonegroup', 'placement', 'add', '--rgw-zonegroup', 'default', ...placement);
    const pool = `default.rgw.buckets.data.${name.toLowerCase().replaceAll('_', '-')}`;
    await admin(
      'zone',
      'placement',
      'add',
      '--rgw-zone',
      'default',
      ...placement,
      '--data-pool',
      pool,
    );
  }
}

/** Ends the processes that the folder's server.json records; with `purge` the folder goes, too. */
export async function stopRgw(folder, { purge = false } = {}) {
  const root = resolve(folder);
  const record = await readRecord(root);
  const running = (record?.processes ?? []).filter(isAlive).reverse();
  // At once: its objects are in memory, so there is nothing that a slow end would save.
  for (const daemon of running) process.kill(daemon.pid, 'SIGKILL');
  const limit = Date.now() + stopLimitMs;
  while (running.some(isAlive) && Date.now() < limit) await sleep(10);
  // Only a folder of ours: one that was named by mistake stays as it is.
  if (record !== undefined && purge) await rm(root, { recursive: true, force: true });
  else if (record !== undefined) await writeRecord(root, { processes: [] });
  return running.map(({ name, pid }) => ({ name, pid }));
}

async function startDaemon(root, name, args, dieWithParent) {
  const output = openSync(join(root, 'log', `${name}.out`), 'a');
  const [program, words] = dieWithParent
    ? ['setpriv', ['--pdeathsig', 'KILL', name, ...args]]
    : [name, args];
  const child = spawn(program, words, { detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  await once(child, 'spawn');
  child.unref();
  const record = (await readRecord(root)) ?? { processes: [] };
  record.processes.push({ name, pid: child.pid, startedAt: startTime(child.pid) });
  await writeRecord(root, record);
}

async function waitForPort(root, port) {
  const limit = Date.now() + startLimitMs;
  while (Date.now() < limit) {
    if (await answers(port)) return;
    if (!(await isRgwUp(root))) break;
    await sleep(20);
  }
  throw new Error(
    `The S3 server did not come up. What its programs said is in ${join(root, 'log')}.`,
  );
}

function answers(port) {
  return new Promise((settle) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const everything = { mon: 'allow *', osd: 'allow *', mgr: 'allow *' };

/** A secret in Ceph's own form: kind (AES), time of making, length, 16 bytes. */
function cephKey() {
  const secret = randomBytes(16);
  const head = Buffer.alloc(12);
  head.writeUInt16LE(1, 0);
  head.writeUInt32LE(Math.floor(Date.now() / 1000), 2);
  head.writeUInt16LE(secret.length, 10);
  return Buffer.concat([head, secret]).toString('base64');
}

function keyringEntry(name, key, caps = {}) {
  const lines = Object.entries(caps).map(([daemon, cap]) => `\tcaps ${daemon} = "${cap}"`);
  return [`[${name}]`, `\tkey = ${key}`, ...lines, ''].join('\n');
}

function newKey() {
  return {
    accessKeyId: randomBytes(10).toString('hex').toUpperCase(),
    secretAccessKey: randomBytes(20).toString('hex'),
  };
}

/** A process id alone may be another's by now: its start time goes with it. */
function isAlive({ pid, startedAt }) {
  return startTime(pid) === startedAt;
}

/** Clock ticks since boot; undefined where there is no such process, or it has ended. */
function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : Number(fields[19]);
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return undefined;
    throw error;
  }
}

function recordPath(folder) {
  return join(resolve(folder), 'server.json');
}

async function readRecord(folder) {
  const text = await readFile(recordPath(folder), 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : JSON.parse(text);
}

/** It holds keys: for its owner alone. Whole or not at all: what it names has to be stopped. */
async function writeRecord(folder, record) {
  mkdirSync(folder, { recursive: true });
  const aside = `${recordPath(folder)}.new`;
  await writeFile(aside, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
  await rename(aside, recordPath(folder));
}
