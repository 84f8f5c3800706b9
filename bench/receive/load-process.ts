import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LoadJob, LoadMessage, LoadResult } from './load-job.ts';

/** The load, in a process of its own, so that its work is not counted as the server's. */
export interface LoadProcess {
  /** `begin` and `end` run at the edges of the measured time. */
  run(job: LoadJob, at: { begin(): void; end(): void }): Promise<LoadResult>;
  stop(): void;
}

export async function startLoad(): Promise<LoadProcess> {
  // `fork` hands on what makes this process read TypeScript.
  const child = fork(fileURLToPath(new URL('./load.ts', import.meta.url)), {
    serialization: 'advanced',
  });
  let hear: (message: LoadMessage) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  child.on('message', (message) => hear(message as LoadMessage));
  child.on('close', () => fail(new Error('the load process ended before its job was done')));
  await heard((message) => message.tells === 'ready' || undefined);
  return {
    run(job, at) {
      child.send(job);
      return heard((message) => {
        if (message.tells === 'begin') at.begin();
        if (message.tells === 'end') at.end();
        return message.tells === 'result' ? message.result : undefined;
      });
    },
    stop: () => void child.kill(),
  };

  /** What `take` makes of the first message of which it makes anything. */
  function heard<T>(take: (message: LoadMessage) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      fail = reject;
      hear = (message) => {
        const taken = take(message);
        if (taken !== undefined) resolve(taken);
      };
    });
  }
}
