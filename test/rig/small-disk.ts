import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Why no file system can be mounted here; '' where one can. Under CI that is a failure, no reason to skip. */
export const noSmallDisk = ((): string => {
  const folder = mkdtempSync(join(tmpdir(), 'pgwitness-small-'));
  try {
    if (process.getuid?.() !== 0) throw new Error('only root may mount a file system');
    mount(folder, '1m');
    execFileSync('umount', [folder]);
    return '';
  } catch (error) {
    const reason = `no disk can be filled up here: ${(error as Error).message}`;
    if (process.env['CI'] === 'true') throw new Error(reason, { cause: error });
    console.warn(`Tests on a full disk are skipped: ${reason}`);
    return reason;
  } finally {
    rmSync(folder, { recursive: true });
  }
})();

/** A file system of its own, as large as `size` (`1m`), for the length of the test. */
export function smallDisk(size: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'pgwitness-small-'));
  mount(folder, size);
  onTestFinished(() => {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  });
  return folder;
}

function mount(folder: string, size: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'pipe' });
}
