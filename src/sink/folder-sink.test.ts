import { execFileSync } from 'node:child_process';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listed, sinkConformance } from '../../test/rig/sink-conformance.ts';
import { noSmallDisk, smallDisk } from '../../test/rig/small-disk.ts';
import { type Disk, nodeDisk } from './disk.ts';
import { folderArchive } from './folder-archive.ts';
import { incomingFolder, openFolderSink } from './folder-sink.ts';

let home = '';
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pgwitness-sink-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));
const newFolder = () => mkdtemp(join(home, 'archive-'));
const body = Buffer.from('some bytes');
const key = 'logs/a/2026/06/30/1782863998123-00000000-0000-8000-8000-000000000000.gz';
const isRoot = process.getuid?.() === 0;

describe('conformance', () => {
  sinkConformance(async () => {
    const folder = await newFolder();
    return { sink: await openFolderSink(folder), archive: folderArchive(folder) };
  });
});

/** What a put did to the disk, in order, with paths below the folder. */
async function stepsOfFirstPut(): Promise<string[]> {
  const folder = await newFolder();
  const steps: string[] = [];
  const told = (path: string) => path.replace(folder, '').replace(/[0-9a-f-]{36}$/, 'aside') || '/';
  const disk: Disk = {
    writeFile: (path, bytes) => note('write', [path], () => nodeDisk.writeFile(path, bytes)),
    link: (from, to) => note('link', [from, to], () => nodeDisk.link(from, to)),
    unlink: (path) => note('unlink', [path], () => nodeDisk.unlink(path)),
    makeDirectory: (path) => note('make', [path], () => nodeDisk.makeDirectory(path)),
    syncDirectory: (path) => note('sync', [path], () => nodeDisk.syncDirectory(path)),
  };
  const sink = await openFolderSink(folder, { disk });
  steps.length = 0;
  await sink.put('logs/a/one', body);
  return steps;

  async function note(step: string, paths: string[], run: () => Promise<void>) {
    await run();
    steps.push([step, ...paths.map(told)].join(' '));
  }
}

test('an object is written and synced aside, linked to its key, and its name synced; so is each new folder', async () => {
  expect(await stepsOfFirstPut()).toEqual([
    'make /logs',
    'sync /',
    'make /logs/a',
    'sync /logs',
    'write /.incoming/aside',
    'link /.incoming/aside /logs/a/one',
    'unlink /.incoming/aside',
    'sync /logs/a',
  ]);
});

test('a folder that another process made is synced into its parent before an object in it counts as stored', async () => {
  const folder = await newFolder();
  await mkdir(join(folder, 'logs/a'), { recursive: true });
  const synced: string[] = [];
  const sink = await openFolderSink(folder, {
    disk: {
      ...nodeDisk,
      async syncDirectory(path) {
        await nodeDisk.syncDirectory(path);
        synced.push(path);
      },
    },
  });
  await sink.put('logs/a/one', body);
  expect(synced).toEqual(
    expect.arrayContaining([folder, join(folder, 'logs'), join(folder, 'logs/a')]),
  );
});

test('an object is read-only, and nothing stays aside', async () => {
  const folder = await newFolder();
  await (await openFolderSink(folder)).put(key, body);
  expect((await stat(join(folder, key))).mode & 0o222).toBe(0);
  expect(await readdir(join(folder, incomingFolder))).toEqual([]);
});

test('what a crash left aside is removed at the next start, and no reader ever lists it', async () => {
  const folder = await newFolder();
  await openFolderSink(folder);
  const left = join(folder, incomingFolder, 'left');
  const recent = join(folder, incomingFolder, 'recent');
  await writeFile(left, 'half');
  await writeFile(recent, 'half');
  const old = (Date.now() - 2 * 3_600_000) / 1000;
  await utimes(left, old, old);
  expect(await listed(folderArchive(folder), '')).toEqual([]);
  await openFolderSink(folder);
  // A recent one may be another process's, on its way in.
  expect(await readdir(join(folder, incomingFolder))).toEqual(['recent']);
});

test('a folder that was moved away under the sink is made again at the next try', async () => {
  const folder = await newFolder();
  const sink = await openFolderSink(folder);
  await sink.put('logs/a/one', body);
  await rm(join(folder), { recursive: true });
  await sink.put('logs/a/two', body).catch(() => sink.put('logs/a/two', body));
  expect((await listed(folderArchive(folder), '')).map((object) => object.key)).toEqual([
    'logs/a/two',
  ]);
});

test('an archive shows no file that is no object, and follows no link but tells of it', async () => {
  const folder = await newFolder();
  await (await openFolderSink(folder)).put(key, body);
  await symlink('/etc/hostname', join(folder, 'logs/a/link'));
  await writeFile(join(folder, 'logs/a/.hidden'), 'x');
  await writeFile(join(folder, 'logs/a/with space'), 'x');
  const archive = folderArchive(folder);
  expect((await listed(archive, '')).map((object) => object.key)).toEqual([key, 'logs/a/link']);
  await expect(archive.read('logs/a/link')).rejects.toMatchObject({
    code: 'sink.link-in-archive',
    exit: 1,
  });
});

test('what stands in place of a folder is listed by its own key, from wherever one lists', async () => {
  const folder = await newFolder();
  const sink = await openFolderSink(folder);
  await sink.put(key, body);
  const month = 'logs/a/2026/06';
  await rename(join(folder, month), join(folder, 'moved'));
  await symlink(join(folder, 'moved'), join(folder, month));
  await writeFile(join(folder, 'logs/b'), 'no folder');
  const archive = folderArchive(folder);
  const keys = async (prefix: string, after?: string) =>
    (await listed(archive, prefix, after)).map((object) => object.key);
  for (const prefix of ['logs/a/', 'logs/a/2026/', `${month}/`, `${month}/30/`, `${month}/30/17`]) {
    expect(await keys(prefix)).toEqual([month]);
  }
  expect(await keys('logs/a/2026/', `${month}/30/17`)).toEqual([month]);
  expect(await keys('logs/a/2026/', `${month}0`)).toEqual([]);
  await expect(archive.read(month)).rejects.toMatchObject({ code: 'sink.link-in-archive' });
  expect(await keys('logs/b/2026/06/30/')).toEqual(['logs/b']);
});

test('a folder that does not exist, or is no folder, is told and is no archive without objects', async () => {
  const file = join(home, 'no-folder');
  await writeFile(file, '');
  const cases = [
    [join(home, 'nowhere'), 'sink.no-such-folder'],
    [file, 'sink.not-a-folder'],
    [join(file, 'below'), 'sink.not-a-folder'],
  ] as const;
  for (const [folder, code] of cases) {
    const archive = folderArchive(folder);
    await expect(listed(archive, 'logs/')).rejects.toMatchObject({ code, exit: 3 });
    await expect(archive.read(key)).rejects.toMatchObject({ code, exit: 3 });
  }
});

test('an archive that may not be listed can not be reached', async () => {
  const folder = await newFolder();
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'logs'), { mode: 0o000 });
  const told = isRoot
    ? await asNobody(folder, 'list')
    : await listed(folderArchive(folder), 'logs/').catch((error) => `${error.code} ${error.exit}`);
  expect(told).toContain('sink.no-permission 3');
});

test('a file where the folder should be is told as that', async () => {
  const file = join(home, 'a-file');
  await writeFile(file, '');
  await expect(openFolderSink(file)).rejects.toMatchObject({ code: 'sink.not-a-folder', exit: 2 });
  await expect(openFolderSink(join(file, 'below'))).rejects.toMatchObject({
    code: 'sink.not-a-folder',
  });
  const folder = await newFolder();
  const sink = await openFolderSink(folder);
  await writeFile(join(folder, 'logs'), '');
  await expect(sink.put(key, body)).rejects.toMatchObject({ code: 'sink.not-a-folder' });
});

test('a folder that may not be written to is told with what to do', async () => {
  const folder = await newFolder();
  await chmod(folder, 0o555);
  if (isRoot) await expect(asNobody(folder, 'open')).resolves.toContain('sink.no-permission 2');
  else
    await expect(openFolderSink(folder)).rejects.toMatchObject({
      code: 'sink.no-permission',
      exit: 2,
    });
});

/** Root may write anywhere: the same in a process that gives root up. */
async function asNobody(folder: string, doing: 'open' | 'list'): Promise<string> {
  await chmod(home, 0o755);
  const dist = (name: string) =>
    JSON.stringify(new URL(`../../dist/sink/${name}.js`, import.meta.url).href);
  const script = `import { openFolderSink } from ${dist('folder-sink')};
    import { folderArchive } from ${dist('folder-archive')};
    process.setgid(65534); process.setuid(65534);
    const folder = process.argv[1];
    const work = { open: () => openFolderSink(folder), list: () => folderArchive(folder).list('logs/').next() };
    await work.${doing}().catch((e) => console.log(e.code, e.exit, e.message));`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', script, folder], {
    encoding: 'utf8',
  });
}

describe.skipIf(noSmallDisk !== '')(
  `on a disk of its own${noSmallDisk && ` (skipped: ${noSmallDisk})`}`,
  () => {
    test('a full disk is told, shows nothing half-written, and takes objects again once there is space', async () => {
      const disk = smallDisk('1m');
      const folder = join(disk, 'archive');
      const sink = await openFolderSink(folder);
      await writeFile(join(disk, 'ballast'), Buffer.alloc(700_000));
      const large = Buffer.alloc(600_000, 'x');
      await expect(sink.put(key, large)).rejects.toMatchObject({
        code: 'sink.disk-full',
        message: expect.stringContaining('the disk is full'),
      });
      expect(await listed(folderArchive(folder), '')).toEqual([]);
      expect(await readdir(join(folder, incomingFolder))).toEqual([]);
      await rm(join(disk, 'ballast'));
      expect(await sink.put(key, large)).toBe('stored');
      expect(Buffer.from(await folderArchive(folder).read(key))).toEqual(large);
    });

    test('a file system that became read-only is told', async () => {
      const disk = smallDisk('1m');
      const sink = await openFolderSink(join(disk, 'archive'));
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      await expect(sink.put(key, body)).rejects.toMatchObject({ code: 'sink.read-only', exit: 2 });
      await expect(openFolderSink(join(disk, 'another'))).rejects.toMatchObject({
        code: 'sink.read-only',
      });
    });
  },
);
