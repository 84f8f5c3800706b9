import { setTimeout as sleep } from 'node:timers/promises';
import { readFrames } from '../../src/sink/read-frames.ts';
import type { Sink } from '../../src/sink/sink.ts';

/** A stored frame as a test compares it. */
export interface FoundFrame {
  readonly key: string;
  /** In hex. */
  readonly body: string;
  readonly encoding: string | undefined;
}

/** Keeps what it is given, so that thousands of frames need no disk. */
export function memorySink(options: { readonly putMs?: number } = {}) {
  const objects = new Map<string, Uint8Array>();
  const sink: Sink = {
    description: 'memory',
    async put(key, body) {
      if (options.putMs !== undefined) await sleep(options.putMs);
      if (objects.has(key)) return 'exists';
      objects.set(key, body);
      return 'stored';
    },
  };
  return {
    sink,
    objects,
    /** All frames, and a body of `fault …` for what is none. */
    frames: (): FoundFrame[] =>
      [...objects].flatMap(([key, object]) =>
        [...readFrames(object)].map((part) => ({
          key,
          body:
            part.kind === 'frame' ? Buffer.from(part.body).toString('hex') : `fault ${part.reason}`,
          encoding: part.meta?.encoding,
        })),
      ),
  };
}
