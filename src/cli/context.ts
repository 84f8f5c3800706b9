import type { CommandContext, StricliProcess } from '@stricli/core';

/** All that a verb may touch of the outside world. */
export interface Cli extends CommandContext {
  readonly process: StricliProcess;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborted at the first Ctrl-C or SIGTERM: stop, clean up, return. */
  readonly signal: AbortSignal;
  /** A person reads stdout: colours, tables as wide as the terminal. */
  readonly terminal: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
}
