import { arrivalKey } from '../sink/object-key.ts';
import type { Sink } from '../sink/sink.ts';
import type { ExpectedFrames } from './expected-frames.ts';
import type { FrameToName } from './frame-key.ts';
import { hasId, type PackedFrame, type StoreOutcome, tellPut } from './frame-store.ts';
import type { IntakeObserver } from './intake-observer.ts';
import { putWithin } from './put-within.ts';

/** The groups of one prefix. */
export interface GroupLane {
  /** As `FrameStore.store`. */
  add(frame: PackedFrame, deadline: number): Promise<StoreOutcome>;
  /** Puts what is due: to be called when a frame that was expected is so no longer. */
  look(): void;
}

/** Logplex has one request in flight: each millisecond of waiting is a drain's capacity lost. */
const longestWaitMs = 20;
/** Packed bytes of an object of several frames. */
const fullBytes = 8 * 1024 * 1024;
/** A frame that is packed as large as this has nothing to gain from company, and would hold it up. */
const giantBytes = 1024 * 1024;
/**
 * Never more puts than this at once, each with its retries: what comes then gathers in larger groups,
 * and a sink that hangs is not asked for more and more. Each put ends by its last frame's deadline, so
 * that the next one's turn comes. Fewer were slower at each of 2, 8 and 50 drains, on a disk and with a
 * sink of 30 ms: a frame that waits for another one's put is a drain that waits.
 */
const mostPuts = 16;

interface Waiting {
  readonly frame: PackedFrame;
  readonly deadline: number;
  readonly tell: (outcome: StoreOutcome) => void;
  readonly timer: NodeJS.Timeout;
}

interface Group {
  /** Of `performance.now`. */
  readonly since: number;
  readonly frames: Set<Waiting>;
  bytes: number;
  /** Set once it is being put: when nothing holds its object any more. */
  settled?: Promise<unknown>;
}

export function createGroupLane(given: {
  readonly prefix: string;
  readonly sink: Sink;
  readonly observer: IntakeObserver;
  readonly nameOf: (frame: FrameToName) => string;
  readonly expected: ExpectedFrames;
}): GroupLane {
  const { prefix, sink, observer, nameOf, expected } = given;
  /** No frame joins these any more. */
  const closed: Group[] = [];
  let open: Group | undefined;
  let running = 0;
  let alarm: NodeJS.Timeout | undefined;
  return { add, look };

  function add(frame: PackedFrame, deadline: number): Promise<StoreOutcome> {
    const left = deadline - performance.now();
    // Not the sink's fault: the work came to its end too late for a put.
    if (left <= 0)
      return Promise.resolve({ ok: false, reason: 'late', settled: Promise.resolve() });
    return new Promise((tell) => {
      const group = groupFor(frame.member.length);
      const timer = setTimeout(() => giveUp(group, waiting), left);
      const waiting: Waiting = { frame, deadline, tell, timer };
      group.frames.add(waiting);
      group.bytes += frame.member.length;
      look();
    });
  }

  function groupFor(bytes: number): Group {
    const fresh: Group = { since: performance.now(), frames: new Set(), bytes: 0 };
    if (bytes >= giantBytes) {
      closed.push(fresh);
      return fresh;
    }
    if (open !== undefined && open.bytes + bytes > fullBytes) {
      closed.push(open);
      open = undefined;
    }
    open ??= fresh;
    return open;
  }

  /** Its deadline has come. The group's put goes on for the others, and may still store it. */
  function giveUp(group: Group, waiting: Waiting): void {
    const { settled } = group;
    if (settled === undefined) {
      group.frames.delete(waiting);
      group.bytes -= waiting.frame.member.length;
    }
    waiting.tell({ ok: false, reason: 'sink', settled: settled ?? Promise.resolve() });
  }

  function look(): void {
    clearTimeout(alarm);
    while (running < mostPuts) {
      const group = closed.shift();
      if (group === undefined) break;
      put(group);
    }
    if (open === undefined || running >= mostPuts) return;
    const now = performance.now();
    const due = open.since + longestWaitMs;
    const until = expected.until(now);
    if (now < due && until !== undefined) {
      alarm = setTimeout(look, Math.ceil(Math.min(due, until) - now));
      return;
    }
    const group = open;
    open = undefined;
    put(group);
  }

  function put(group: Group): void {
    const frames = [...group.frames];
    const first = frames[0];
    // All of them came to their deadlines before.
    if (first === undefined) return;
    running += 1;
    const begun = performance.now();
    const alone = frames.length === 1;
    const derived = alone && hasId(first.frame);
    const name = derived ? nameOf(first.frame) : () => arrivalKey(prefix, first.frame.arrivedAt);
    const object = alone
      ? first.frame.member
      : Buffer.concat(frames.map(({ frame }) => frame.member));
    const last = Math.max(...frames.map(({ deadline }) => deadline));
    // The put itself ends with the last of them.
    for (const { deadline, timer } of frames) if (deadline === last) clearTimeout(timer);
    const putting = putWithin(sink, name, object, last - begun);
    group.settled = putting.then(({ settled }) => settled);
    putting.then((result) => {
      running -= 1;
      const { key, settled } = result;
      const reason = tellPut(observer, result, {
        prefix,
        withinMs: last - begun,
        key,
        frames: frames.length,
        bytes: object.length,
        tries: result.tries,
        seconds: (performance.now() - begun) / 1000,
        waitedSeconds: (begun - group.since) / 1000,
      });
      // A key that nobody else knows is only ever taken by an earlier try of this put.
      const answer: StoreOutcome = result.ok
        ? { ok: true, key, outcome: derived ? result.outcome : 'stored', settled }
        : { ok: false, reason, settled };
      for (const { tell, timer } of frames) {
        clearTimeout(timer);
        tell(answer);
      }
      look();
    });
  }
}
