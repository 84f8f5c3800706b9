import { setTimeout as sleep } from 'node:timers/promises';
import { type Disk, nodeDisk } from '../../src/sink/disk.ts';

export type DiskStep = keyof Disk;
export type DiskFault = 'fails' | 'fails but persisted' | 'slow' | 'hangs';

/** The real disk with one step that misbehaves from `breaks` to `heals`. */
export function faultyDisk(step: DiskStep, fault: DiskFault) {
  let ill = false;
  const faulty =
    <A extends unknown[]>(name: DiskStep, run: (...args: A) => Promise<void>) =>
    async (...args: A): Promise<void> => {
      if (!ill || name !== step) return run(...args);
      if (fault === 'hangs') return new Promise<void>(() => undefined);
      if (fault === 'slow') await sleep(15);
      if (fault !== 'fails') await run(...args);
      if (fault !== 'slow') throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
    };
  const disk: Disk = {
    writeFile: faulty('writeFile', nodeDisk.writeFile),
    link: faulty('link', nodeDisk.link),
    unlink: faulty('unlink', nodeDisk.unlink),
    makeDirectory: faulty('makeDirectory', nodeDisk.makeDirectory),
    syncDirectory: faulty('syncDirectory', nodeDisk.syncDirectory),
  };
  return {
    disk,
    breaks() {
      ill = true;
    },
    heals() {
      ill = false;
    },
  };
}
