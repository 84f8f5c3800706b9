import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimFolder } from './demo-folder.ts';

describe("the demo's folder", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgwitness-folder-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is refused, and nothing in it touched, where it holds files that no demo made', async () => {
    await writeFile(join(folder, 'thesis.txt'), 'years of work');
    await mkdir(join(folder, 'archive'));
    await expect(claimFolder(folder)).rejects.toMatchObject({
      code: 'demo.folder-in-use',
      exit: 2,
    });
    expect(await readdir(folder)).toEqual(['archive', 'thesis.txt']);
  });

  it('loses what an earlier demo made, and keeps what someone put beside it', async () => {
    (await claimFolder(folder))();
    await writeFile(join(folder, 'env'), 'old');
    await writeFile(join(folder, 'notes.txt'), 'mine');
    (await claimFolder(folder))();
    expect(await readdir(folder)).toEqual(['.made-by-pgwitness-demo', 'notes.txt']);
  });

  it('belongs to one demo at a time', async () => {
    const release = await claimFolder(folder);
    await expect(claimFolder(folder)).rejects.toMatchObject({ code: 'demo.already-running' });
    release();
    await new Promise((resolve) => setTimeout(resolve, 20));
    (await claimFolder(folder))();
  });
});
