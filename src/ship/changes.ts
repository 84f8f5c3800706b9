import { type FSWatcher, watch } from 'node:fs';

/** A bell that rings when something in a folder changes. */
export interface Changes {
  /** Until the next ring, `ms` at most, or until `signal` is aborted; a ring since the last wait counts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** Whether a file other than `name` was touched since this was last asked. */
  elsewhere(name: string | undefined): boolean;
  close(): void;
}

/**
 * Watches `folder` where the system can (inotify has a limit, network file systems don't tell); the wait
 * ends after its time all the same, so that a watch that says nothing costs latency and not lines.
 */
export function watchFolder(folder: string): Changes {
  let rung = false;
  let wake: (() => void) | undefined;
  const touched = new Set<string>();
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(folder, { persistent: false }, (_, name) => {
      touched.add(name ?? '');
      rung = true;
      wake?.();
    });
    watcher.on('error', () => watcher?.close());
  } catch (error) {
    // No watch to be had: `wait` polls.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
  return {
    wait(ms, signal) {
      if (rung || signal.aborted) {
        rung = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', end);
          wake = undefined;
          rung = false;
          resolve();
        };
        const timer = setTimeout(end, ms);
        signal.addEventListener('abort', end, { once: true });
        wake = end;
      });
    },
    elsewhere(name) {
      const others = [...touched].some((other) => other !== name);
      touched.clear();
      return others;
    },
    close: () => watcher?.close(),
  };
}
