import { createHash } from 'node:crypto';
import { encodeFrame } from '../../src/logplex/frame.ts';
import { l10 } from '../rig/drain.ts';
import { herokuMessage } from '../rig/small-archive.ts';

/** A statement that a frame carries, named by the session and number that the trail knows it by. */
export interface SentStatement {
  readonly session: string;
  readonly logLine: number;
  readonly text: string;
}

/** A loss that a frame tells of. */
export interface SentLoss {
  readonly count: number;
  readonly since: string;
}

/** A frame as its sender holds it until it is acknowledged. */
export interface SentFrame {
  /** Undefined for a sender without ids. */
  readonly id: string | undefined;
  readonly statements: readonly SentStatement[];
  readonly loss?: SentLoss;
  /** Lines in its body, the loss line too. */
  readonly count: number;
  /** sha256 of each body that was sent: of two tries with a loss line they differ. */
  readonly bodies: Set<string>;
  acknowledged: boolean;
}

export const digestOf = (body: Uint8Array) => createHash('sha256').update(body).digest('hex');

/** One drain's stream of frames. `roll` gives whole numbers below its argument. */
export function frameMaker(drain: number, roll: (below: number) => number, ids: boolean) {
  const session = `647e3878.${(drain + 1).toString(16)}`;
  let frames = 0;
  let logLine = 0;
  return (loss?: SentLoss): { frame: SentFrame; render(): Uint8Array } => {
    // Most frames are a few lines of one moment; some are as large as Logplex makes them.
    const size = roll(50) === 0 ? 250 : 1 + roll(8);
    const statements = Array.from({ length: size }, () => {
      logLine += 1;
      const tail = roll(4) === 0 ? '\n   set name = $1\n where id = 2' : ' values (1)';
      return { session, logLine, text: `update users -- ${drain}/${logLine}${tail}` };
    });
    const atMs = Date.now();
    const lines = statements.flatMap(({ text, ...names }) =>
      herokuMessage({ atMs, ...names, process: drain + 1, text: `statement: ${text}` }),
    );
    const rest = encodeFrame(lines);
    frames += 1;
    const id = `${drain.toString(16).padStart(8, '0')}${frames.toString(16).padStart(24, '0')}`;
    const frame: SentFrame = {
      id: ids ? id.toUpperCase() : undefined,
      statements,
      ...(loss === undefined ? {} : { loss }),
      count: lines.length + (loss === undefined ? 0 : 1),
      bodies: new Set(),
      acknowledged: false,
    };
    return {
      frame,
      /** The body for one more try: Logplex renders its loss line anew each time. */
      render() {
        const told = loss && l10(loss.count, new Date().toISOString(), loss.since);
        const body = told === undefined ? rest : Buffer.concat([told, rest]);
        frame.bodies.add(digestOf(body));
        return body;
      },
    };
  };
}
