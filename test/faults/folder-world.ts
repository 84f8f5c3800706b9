import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk } from '../../src/sink/disk.ts';
import { folderArchive } from '../../src/sink/folder-archive.ts';
import { openFolderSink } from '../../src/sink/folder-sink.ts';
import { type DiskFault, type DiskStep, faultyDisk } from '../rig/faulty-disk.ts';
import type { FaultWorld } from './fault-cell.ts';

/** A folder sink on a disk of which one step misbehaves. */
export async function folderWorld(step: DiskStep, fault: DiskFault): Promise<FaultWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'pgwitness-fault-'));
  const { disk, breaks, heals } = faultyDisk(step, fault);
  return {
    sink: await openFolderSink(folder, { disk }),
    archive: folderArchive(folder),
    breaks,
    heals,
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A folder sink on a healthy disk, for faults that lie elsewhere. */
export async function healthyWorld(given: Partial<FaultWorld> = {}): Promise<FaultWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'pgwitness-fault-'));
  return {
    sink: await openFolderSink(folder, { disk: nodeDisk }),
    archive: folderArchive(folder),
    breaks: () => undefined,
    heals: () => undefined,
    close: () => rm(folder, { recursive: true, force: true }),
    ...given,
  };
}

/** A folder sink on a file system of 1 MB, full to the last block. */
export async function fullDiskWorld(): Promise<FaultWorld> {
  const disk = await mkdtemp(join(tmpdir(), 'pgwitness-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
  const folder = join(disk, 'archive');
  const ballast = join(disk, 'ballast');
  return {
    sink: await openFolderSink(folder),
    archive: folderArchive(folder),
    async breaks() {
      await writeFile(ballast, Buffer.alloc(2_000_000)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOSPC') throw error;
      });
    },
    heals: () => rm(ballast),
    async close() {
      execFileSync('umount', [disk]);
      await rm(disk, { recursive: true });
    },
  };
}
