// The program that AWS runs a Node function with, `aws-lambda-ric`, for tests and benchmarks: fetched
// from npm, its native part built once and kept in the user's cache. Its own script first builds a curl
// by autotools, which takes minutes on two cores; here Debian's libcurl does the same.
// `node scripts/lambda-ric.mjs` prints the path of its start file.
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

/** The last line of releases that runs on Node 20; 4.x asks for 22. */
const version = '3.3.0';

/** Debian's packages of the programs that its build calls. */
export const lambdaRicPackages = ['cmake', 'g++', 'libcurl4-openssl-dev', 'make', 'python3'];
const programs = ['cmake', 'g++', 'curl-config', 'make', 'python3'];

/** A builder shows that it is alive by touching its lock; one that did not for so long is gone. */
const heartbeatMs = 2_000;
const deadAfterMs = 20_000;

/** Where a finished build is, whether it is there or not. */
export function lambdaRicPath(env = process.env) {
  return join(placeOf(env), 'node_modules/aws-lambda-ric/bin/index.mjs');
}

/** Programs that are needed and not on the path; none where it is built already. */
export function missingRicPrograms(env = process.env) {
  if (existsSync(lambdaRicPath(env))) return [];
  const folders = (env.PATH ?? '').split(delimiter);
  return programs.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
}

/**
 * Path of the start file, after building it where it is not there yet (some twenty seconds). Processes
 * that ask at the same time wait for the one that builds. The rename at the end is what makes a
 * build whole; the lock only saves the others the work.
 */
export async function ensureLambdaRic(env = process.env) {
  const path = lambdaRicPath(env);
  const place = placeOf(env);
  mkdirSync(dirname(place), { recursive: true });
  while (!existsSync(path)) {
    const release = takeLock(`${place}.lock`);
    if (release === undefined) {
      await sleep(200);
      continue;
    }
    try {
      if (!existsSync(path)) await build(place, env);
    } finally {
      release();
    }
  }
  return path;
}

/** One folder a version, Node's ABI and a kind of machine. */
function placeOf(env) {
  const kind = `${version}-abi${process.versions.modules}-${process.platform}-${process.arch}`;
  return join(cacheFolder(env), 'lambda-ric', kind);
}

/** HOME can be empty, on machines that build for others. */
function cacheFolder(env) {
  const base = env.XDG_CACHE_HOME || (env.HOME && join(env.HOME, '.cache'));
  return base ? join(base, 'pgwitness') : join(tmpdir(), `pgwitness-cache-${userInfo().uid}`);
}

function takeLock(file) {
  try {
    const lock = openSync(file, 'wx');
    writeSync(lock, `${process.pid}\n`);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (age(file) > deadAfterMs) rmSync(file, { force: true });
    return undefined;
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimesSync(file, now, now);
  }, heartbeatMs);
  return () => {
    clearInterval(beat);
    rmSync(file, { force: true });
  };
}

function age(file) {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? 0 : Date.now() - found.mtimeMs;
}

async function build(place, env) {
  const missing = missingRicPrograms(env);
  if (missing.length > 0) {
    throw new Error(
      `aws-lambda-ric can't be built here: ${missing.join(', ')} not found. On Debian: apt-get install ${lambdaRicPackages.join(' ')}`,
    );
  }
  const stage = mkdtempSync(`${place}.build-`);
  try {
    // npm's cache and settings need a home too.
    const childEnv = { ...env, HOME: env.HOME || stage, MAKEFLAGS: env.MAKEFLAGS || '-j2' };
    const step = (command, args, cwd = stage) => run(command, args, { cwd, env: childEnv });
    const npm = ['install', '--prefix', stage, '--no-save', '--no-package-lock', '--no-audit'];
    await step('npm', [...npm, '--no-fund', '--ignore-scripts', `aws-lambda-ric@${version}`]);
    const cwd = join(stage, 'node_modules/aws-lambda-ric');
    const deps = join(cwd, 'deps');
    const artifacts = join(deps, 'artifacts');
    const source = readdirSync(deps).find((name) => /^aws-lambda-cpp-.*\.tar\.gz$/.test(name));
    await step('tar', ['xzf', source, '--no-same-owner'], deps);
    const client = join(deps, source.replace('.tar.gz', ''));
    const flags = ['-DCMAKE_BUILD_TYPE=Release', '-DCMAKE_CXX_FLAGS=-fPIC'];
    await step('cmake', ['.', ...flags, `-DCMAKE_INSTALL_PREFIX=${artifacts}`], client);
    await step('make', ['install'], client);
    // binding.gyp asks the curl that would stand here what to link with.
    mkdirSync(join(artifacts, 'bin'));
    writeFileSync(join(artifacts, 'bin/curl-config'), '#!/bin/sh\nexec curl-config --libs\n', {
      mode: 0o755,
    });
    const gyp = join(stage, 'node_modules/node-gyp/bin/node-gyp.js');
    await step(process.execPath, [gyp, 'rebuild', ...nodeHeaders()], cwd);
    renameSync(join(cwd, 'build/Release/rapid-client.node'), join(cwd, 'dist/rapid-client.node'));
    // Of what it was built from nothing is needed any more.
    for (const name of ['build', 'deps']) rmSync(join(cwd, name), { recursive: true });
    const whole = join(stage, 'whole');
    mkdirSync(join(whole, 'node_modules'), { recursive: true });
    renameSync(cwd, join(whole, 'node_modules/aws-lambda-ric'));
    if (!existsSync(place)) renameSync(whole, place);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** A Node that brings its own headers saves node-gyp a download from nodejs.org. */
function nodeHeaders() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include/node/node.h')) ? [`--nodedir=${prefix}`] : [];
}

/** Runs a step of the build at the lowest priority; its output is shown only where it fails. */
function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn('nice', ['-n', '19', command, ...args], {
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-20_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else
        reject(new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}:\n${output}`));
    });
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(await ensureLambdaRic());
}
