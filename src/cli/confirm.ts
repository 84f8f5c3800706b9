import { createInterface } from 'node:readline/promises';
import type { Cli } from './context.ts';

/** What of the process's streams it takes to ask somebody. */
interface Asked {
  readonly stdin?: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** Whether there is somebody to ask: both what is typed and the question are on a terminal. */
export function canAsk({ process }: Pick<Cli, 'process'>): boolean {
  const { stdin, stderr } = process as unknown as Asked;
  return stdin?.isTTY === true && stderr.isTTY === true;
}

/** Asks on stderr, and is true only for a yes; Ctrl-C and Ctrl-D mean no. */
export async function confirm(
  { process, signal }: Pick<Cli, 'process' | 'signal'>,
  question: string,
): Promise<boolean> {
  const { stdin, stderr } = process as unknown as Asked;
  if (stdin === undefined) return false;
  const asking = createInterface({ input: stdin, output: stderr });
  try {
    // Readline takes Ctrl-C for itself, and closes at Ctrl-D without an answer.
    const none = new Promise<string>((resolve) => {
      asking.once('close', () => resolve(''));
      asking.once('SIGINT', () => resolve(''));
      if (signal.aborted) resolve('');
      signal.addEventListener('abort', () => resolve(''), { once: true });
    });
    const answer = await Promise.race([asking.question(`${question} (y/N) `), none]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    asking.close();
  }
}
