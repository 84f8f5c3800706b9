import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Why no file system can be mounted here; '' where one can. */
export const noSmallDisk = ((): string => {
  if (process.getuid?.() !== 0) return 'only root may mount a file system';
  try {
    const command = ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'];
    execFileSync('unshare', command, { stdio: 'pipe' });
    return '';
  } catch {
    return 'nobody may mount a file system here';
  }
})();

/** A file system of its own, as large as `size` (`1m`), for the length of the test. */
export function smallDisk(size: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'pgwitness-small-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
  onTestFinished(() => {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  });
  return folder;
}
