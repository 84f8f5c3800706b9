import { mkdtemp, readdir, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { listed } from '../../test/rig/sink-conformance.ts';
import { folderArchive } from './folder-archive.ts';
import { incomingFolder, openFolderSink } from './folder-sink.ts';

const body = Buffer.from('some bytes');
const key = 'logs/a/2026/06/30/1782863998123-00000000-0000-8000-8000-000000000000.gz';
const another = key.replace('-0', '-1');

async function newFolder(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'pgwitness-links-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  return home;
}

test('a month that is moved away and linked to is not written to, by a sink that knew it or one that opens', async () => {
  const folder = await newFolder();
  const elsewhere = await newFolder();
  const sink = await openFolderSink(folder);
  await sink.put(key, body);
  const month = join(folder, dirname(dirname(key)));
  await rename(month, join(elsewhere, 'month'));
  await symlink(join(elsewhere, 'month'), month);
  const before = await readdir(elsewhere, { recursive: true });
  for (const each of [sink, await openFolderSink(folder)]) {
    for (const taken of [key, another]) {
      await expect(each.put(taken, body)).rejects.toMatchObject({
        code: 'sink.link-in-archive',
        message: expect.stringContaining(month),
        exit: 2,
      });
    }
  }
  expect(await readdir(elsewhere, { recursive: true })).toEqual(before);
});

test('an app’s folder that links to nothing is told, and nothing is made there', async () => {
  const folder = await newFolder();
  const elsewhere = await newFolder();
  const sink = await openFolderSink(folder);
  await sink.put(key, body);
  await symlink(join(elsewhere, 'b'), join(folder, 'logs/b'));
  await expect(sink.put(key.replace('/a/', '/b/'), body)).rejects.toMatchObject({
    code: 'sink.link-in-archive',
  });
  expect(await readdir(elsewhere)).toEqual([]);
});

test('a link in the place of the incoming folder is told when the sink opens', async () => {
  const folder = await newFolder();
  await symlink(await newFolder(), join(folder, incomingFolder));
  await expect(openFolderSink(folder)).rejects.toMatchObject({ code: 'sink.link-in-archive' });
});

test('the archive’s own folder may be a link', async () => {
  const folder = await newFolder();
  const link = join(await newFolder(), 'archive');
  await symlink(folder, link);
  await (await openFolderSink(link)).put(key, body);
  const objects = await Promise.all([link, folder].map((each) => listed(folderArchive(each), '')));
  expect(objects.map((found) => found.map((object) => object.key))).toEqual([[key], [key]]);
});
