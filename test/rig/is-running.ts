import { readFileSync } from 'node:fs';

/** True while `pid` runs: a process that has ended and only awaits its parent's glance does not. */
export function isRunning(pid: number): boolean {
  try {
    // After the program's name in brackets: the state (proc(5)).
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    if (
      (error as NodeJS.ErrnoException).code === 'ENOENT' ||
      (error as NodeJS.ErrnoException).code === 'ESRCH'
    )
      return false;
    throw error;
  }
}
