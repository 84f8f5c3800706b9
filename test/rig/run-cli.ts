import { PassThrough } from 'node:stream';
import { run, type StricliProcess } from '@stricli/core';
import { createApp } from '../../src/cli/app.ts';

export interface CliRun {
  readonly stdout: string;
  readonly stderr: string;
  /** As the process would end; Stricli's own negative codes are usage errors, 2. */
  readonly code: number;
}

/** Runs `pgwitness <args>` in this process, with streams that only collect. */
export async function runCli(
  args: readonly string[],
  given: {
    readonly env?: Readonly<Record<string, string>>;
    readonly signal?: AbortSignal;
    readonly now?: () => number;
    /** Told of each write to stdout. */
    readonly onWrite?: (text: string) => void;
    /** A person reads stderr. */
    readonly stderrTerminal?: boolean;
    /** A person reads stdout. */
    readonly terminal?: boolean;
    /** What a person types, who is asked on stderr. */
    readonly typed?: string;
  } = {},
): Promise<CliRun> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
      if (name === 'stdout') given.onWrite?.(text);
    },
    ...(name === 'stderr' ? { isTTY: given.stderrTerminal ?? false } : {}),
  });
  const asked = given.typed === undefined ? {} : askedStreams(given.typed, stream('stderr').write);
  const process: StricliProcess = {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    env: {},
    exitCode: null,
    ...asked,
  };
  await run(createApp(args), args, {
    process,
    env: given.env ?? {},
    cwd: '/',
    signal: given.signal ?? new AbortController().signal,
    terminal: given.terminal ?? false,
    now: given.now ?? Date.now,
  });
  const code = Number(process.exitCode ?? 0);
  return { ...written, code: code < 0 ? 2 : code };
}

/** Streams of a terminal at which somebody types. */
function askedStreams(typed: string, write: (text: string) => void) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const stderr = Object.assign(new PassThrough(), { isTTY: true });
  stderr.on('data', (bytes) => write(String(bytes)));
  stdin.end(typed);
  return { stdin, stderr } as unknown as Pick<StricliProcess, 'stderr'>;
}
