import type { Sink } from '../sink/sink.ts';
import { createExpectedFrames } from './expected-frames.ts';
import { createFrameNames } from './frame-key.ts';
import type { FrameStore } from './frame-store.ts';
import { createGroupLane, type GroupLane } from './group-lane.ts';
import { harmless, type IntakeObserver } from './intake-observer.ts';

/**
 * For a long-running server: frames of one prefix that wait at the same moment share an object, and
 * with it what a put costs. Each prefix has groups and puts of its own, so that none waits for another.
 *
 * An object of several frames has a random key that is kept for its own retries. It never has a
 * derived one: {A, B} stored under A's key, A retried and regrouped with C would be told 'stored', and
 * C would be acknowledged and lost. So a retry whose first try is in a group that is still being put
 * is put as well: it may be stored twice, which the reader tells by its id, and never not at all.
 */
export function createGroupingStore(sink: Sink, observer: IntakeObserver): FrameStore {
  const lanes = new Map<string, { readonly groups: GroupLane; readonly expected: Expected }>();
  const given = { sink, observer: harmless(observer), nameOf: createFrameNames() };
  /** Prefixes come from the configuration: there are only so many. */
  const laneOf = (prefix: string) => {
    const known = lanes.get(prefix);
    if (known !== undefined) return known;
    const expected = createExpectedFrames();
    const lane = { expected, groups: createGroupLane({ ...given, prefix, expected }) };
    lanes.set(prefix, lane);
    return lane;
  };
  return {
    coming(prefix, connection) {
      const { expected, groups } = laneOf(prefix);
      const coming = expected.begun(connection);
      return {
        ready: coming.ready,
        answered() {
          coming.answered();
          groups.look();
        },
      };
    },
    store(frame, deadline, coming) {
      coming.ready();
      return laneOf(frame.prefix).groups.add(frame, deadline);
    },
  };
}

type Expected = ReturnType<typeof createExpectedFrames>;
