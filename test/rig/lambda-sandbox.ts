import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { type LambdaOutcome, startRuntimeApi } from './lambda-runtime-api.ts';

/** A function's process, as Lambda runs one. */
export interface LambdaSandbox {
  /** Sends an event and waits for the outcome; Lambda's time limit is 10 s where none is given. */
  invoke(event: unknown, timeoutMs?: number): Promise<LambdaOutcome>;
  /** Milliseconds from the process's start to the end of its first invocation. */
  readonly firstAnswerMs: number;
  /** Lines of its log so far. */
  readonly log: readonly string[];
  /** Lambda freezes a sandbox between events. */
  freeze(): void;
  thaw(): void;
  /** Sends a signal and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: string | null }>;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
}

export interface SandboxOptions {
  /** Path of the runtime client's start file. */
  readonly ric: string;
  readonly zip: string;
  readonly env: Readonly<Record<string, string>>;
  /** More files beside the code, as a zip of one's own could have. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Unpacks the zip and starts the runtime client on it. */
export async function startSandbox(options: SandboxOptions): Promise<LambdaSandbox> {
  const folder = mkdtempSync(join(tmpdir(), 'pgwitness-lambda-'));
  for (const [name, content] of Object.entries(unzipSync(readFileSync(options.zip)))) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  for (const [name, content] of Object.entries(options.files ?? {})) {
    writeFileSync(join(folder, name), content);
  }
  const api = await startRuntimeApi(() => child.kill('SIGKILL'));
  const startedAt = performance.now();
  const child: ChildProcess = spawn(process.execPath, [options.ric, 'index.handler'], {
    cwd: folder,
    env: {
      AWS_LAMBDA_RUNTIME_API: api.address,
      AWS_LAMBDA_FUNCTION_NAME: 'drain-receiver',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/drain-receiver',
      AWS_LAMBDA_LOG_STREAM_NAME: '2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef',
      AWS_REGION: 'us-east-1',
      LAMBDA_TASK_ROOT: folder,
      _HANDLER: 'index.handler',
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  exited.then(([code, signal]) => api.ended(code, signal));
  const log: string[] = [];
  for (const stream of [child.stdout, child.stderr]) collect(stream, log);
  let firstAnswerMs = Number.NaN;

  async function end(signal: NodeJS.Signals = 'SIGKILL') {
    child.kill(signal);
    const [code, by] = await exited;
    return { code, signal: by };
  }

  return {
    log,
    get firstAnswerMs() {
      return firstAnswerMs;
    },
    async invoke(event, timeoutMs = 10_000) {
      const outcome = await api.invoke(event, timeoutMs);
      if (Number.isNaN(firstAnswerMs)) firstAnswerMs = performance.now() - startedAt;
      return outcome;
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    end,
    async close() {
      await end();
      await api.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function collect(stream: NodeJS.ReadableStream | null, log: string[]): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    log.push(...lines);
  });
}
