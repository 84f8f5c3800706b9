import { execFile } from 'node:child_process';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { environmentCredentials } from '../src/sink/aws-credentials.ts';
import { s3Archive } from '../src/sink/s3-archive.ts';
import { s3EndpointFrom } from '../src/sink/s3-place.ts';
import { isRunning } from './rig/is-running.ts';
import { hasS3 } from './rig/s3-world.ts';
import { listed } from './rig/sink-conformance.ts';

const script = new URL('../scripts/s3.mjs', import.meta.url).pathname;

/** `npm run s3 -- <words>`, with what it prints and how it ends. */
async function s3(...words: string[]): Promise<{ out: string; code: number }> {
  const given = [script, ...words];
  return promisify(execFile)(process.execPath, given).then(
    ({ stdout }) => ({ out: stdout, code: 0 }),
    ({ stdout, stderr, code }) => ({ out: `${stdout}${stderr}`, code }),
  );
}

async function newFolder(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'pgwitness-s3-script-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  return join(home, 'state');
}

if (hasS3) {
  test('an S3 comes up beside others, answers to the keys it prints, and goes down without a trace', async () => {
    const folder = await newFolder();
    onTestFinished(async () => void (await s3('down', '--folder', folder)));
    expect(await s3('status', '--folder', folder)).toMatchObject({ code: 1 });
    const up = await s3('up', '--folder', folder);
    expect(up.code).toBe(0);
    const env = Object.fromEntries(
      up.out
        .trim()
        .split('\n')
        .map((line) => line.split('=') as [string, string]),
    );
    const archive = s3Archive({
      ...{ bucket: 'no-such-bucket', region: env['AWS_REGION'] ?? '' },
      ...{ endpoint: s3EndpointFrom(env) ?? '', credentials: environmentCredentials(env) },
    });
    // The answer of an S3 that knows the key.
    await expect(listed(archive, '')).rejects.toMatchObject({ code: 'sink.s3-no-bucket' });
    expect(await s3('up', '--folder', folder)).toEqual({ out: up.out, code: 0 });
    expect(await s3('status', '--folder', folder)).toEqual({ out: up.out, code: 0 });
    const down = await s3('down', '--folder', folder, '--purge');
    expect(down.out).toMatch(/^stopped radosgw \(\d+\), ceph-osd \(\d+\), ceph-mon \(\d+\)\n$/);
    for (const [pid] of down.out.matchAll(/\d+(?=\))/g)) {
      expect(isRunning(Number(pid))).toBe(false);
    }
    await expect(access(folder)).rejects.toThrow('ENOENT');
  });
}

test('a process that the folder’s record names and that is another one by now is not stopped', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pgwitness-s3-script-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const processes = [{ name: 'radosgw', pid: process.pid, startedAt: 1 }];
  await writeFile(join(folder, 'server.json'), JSON.stringify({ processes }));
  expect((await s3('down', '--folder', folder)).out).toContain('nothing runs');
});

test('a folder that is not of its making is not removed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pgwitness-s3-script-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'mine'), '');
  await s3('down', '--folder', folder, '--purge');
  await access(join(folder, 'mine'));
});

test.each([[[]], [['sideways']], [['up', '--port', 'x']], [['up', '--what']], [['up', 'down']]])(
  'words that mean nothing start nothing: %j',
  async (words) => {
    expect(await s3(...words)).toMatchObject({ code: 2, out: expect.stringContaining('usage') });
  },
);
