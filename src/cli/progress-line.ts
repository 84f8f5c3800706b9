import type { Cli } from './context.ts';

/** One line on a terminal's stderr that says how far the work is; nothing where nobody looks. */
export interface ProgressLine {
  /** Shows `text` in place of what it showed before, from the first second on, a few times a second. */
  show(text: string): void;
  /** Takes the line away, before anything else is printed. */
  clear(): void;
}

const startsAfterMs = 1_000;
const everyMs = 200;

/** Begins with nothing shown; `cli.now` is the clock. */
export function progressLine(cli: Pick<Cli, 'process' | 'now'>): ProgressLine {
  const stderr = cli.process.stderr as { write: (text: string) => void; isTTY?: boolean };
  let next = cli.now() + startsAfterMs;
  let shown = false;
  return {
    show(text) {
      if (stderr.isTTY !== true || cli.now() < next) return;
      next = cli.now() + everyMs;
      shown = true;
      // Erase to the end of the line: the text before may have been longer.
      stderr.write(`\r${text.slice(0, 79)}\u001b[K`);
    },
    clear() {
      if (shown) stderr.write('\r\u001b[K');
      shown = false;
    },
  };
}
