import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { openRawDrain, requestHead } from '../rig/raw-drain.ts';
import { homeDrain } from '../rig/receiver-home.ts';
import { frameMaker, type SentFrame } from './sent-frames.ts';

/**
 * `patient`: tries until a frame is acknowledged, as `pgwitness ship` does. `logplex`: gives up after three
 * tries, and tells that loss in its next frame. `space`: patient, without ids. `shuttle`: patient, its
 * bodies packed with gzip.
 */
export type DrainKind = 'patient' | 'logplex' | 'space' | 'shuttle';

export interface SoakDrain {
  /** All frames that were sent at least once. */
  readonly frames: readonly SentFrame[];
  /** Takes no new frame; resolves once the one at hand is acknowledged or given up. */
  stop(): Promise<void>;
}

const triesOfLogplex = 3;
/** A server that is down refuses at once; a drain that asked without a pause would keep the machine busy. */
const pauseMs = 40;

/** One drain with one request in flight, on a connection of its own, from now on. */
export function startDrain(
  port: number,
  drain: number,
  kind: DrainKind,
  roll: (below: number) => number,
  onAnswer: (status: number) => void,
): SoakDrain {
  const make = frameMaker(drain, roll, kind !== 'space');
  const line = openRawDrain(port);
  const frames: SentFrame[] = [];
  let going = true;
  let lost: { count: number; since: string } | undefined;

  async function work(): Promise<void> {
    while (going) {
      const { frame, render } = make(lost);
      frames.push(frame);
      const most = kind === 'logplex' ? triesOfLogplex : Number.POSITIVE_INFINITY;
      for (let tries = 0; tries < most && !frame.acknowledged; tries += 1) {
        const status = await post(frame, render());
        frame.acknowledged = status === 200;
        onAnswer(status);
        if (!frame.acknowledged) await sleep(pauseMs);
      }
      if (frame.acknowledged) lost = undefined;
      else {
        // What the frame told of is lost with it, and counted again.
        const count = frame.count + (lost?.count ?? 0);
        lost = { count, since: lost?.since ?? momentOf(drain) };
      }
    }
    line.close();
  }

  function post(frame: SentFrame, body: Uint8Array): Promise<number> {
    const packed = kind === 'shuttle' ? gzipSync(body) : body;
    const head = requestHead({
      ...homeDrain,
      bytes: packed.length,
      count: frame.count,
      id: frame.id,
      token: frame.id === undefined ? undefined : `d.${drain}`,
      more: kind === 'shuttle' ? 'Content-Encoding: gzip\r\n' : '',
    });
    return line.post([head, packed]);
  }

  const working = work();
  return {
    frames,
    async stop() {
      going = false;
      await working;
    },
  };
}

/** Now, with the drain's number in its last digit: two that lose as much in one millisecond stay two. */
function momentOf(drain: number): string {
  return new Date().toISOString().replace('Z', `${drain}+00:00`);
}
