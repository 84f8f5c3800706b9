/**
 * A request older than this holds up nobody: its body drips, or waits for memory. As long as a group
 * waits at most.
 */
const receivingMs = 20;
/** A busy drain sends its next frame at once; a connection that is only kept open sends none. */
const betweenFramesMs = 5;

/** Which frames of a prefix are about to come: those that are worth waiting for. */
export interface ExpectedFrames {
  /** A request's headers are there. Without `connection` nothing is expected after its answer. */
  begun(connection?: object): {
    /** Its frame is ready to be put. */
    ready(): void;
    /** Its answer is given. */
    answered(): void;
  };
  /** When to ask again, in `performance.now`; undefined where none is expected. */
  until(now: number): number | undefined;
}

export function createExpectedFrames(): ExpectedFrames {
  const receiving = lapsing(receivingMs);
  const lately = lapsing(betweenFramesMs);
  return {
    begun(connection) {
      const name = connection ?? {};
      lately.delete(name);
      receiving.add(name);
      let answered = false;
      return {
        ready: () => receiving.delete(name),
        answered() {
          if (answered) return;
          answered = true;
          receiving.delete(name);
          if (connection !== undefined) lately.add(name);
        },
      };
    },
    until(now) {
      const ends = [receiving.next(now), lately.next(now)].filter((end) => end !== undefined);
      return ends.length === 0 ? undefined : Math.min(...ends);
    },
  };
}

/** Names that are forgotten after `lastsMs`. A Map goes by age, so that its first is the next to go. */
function lapsing(lastsMs: number) {
  const ends = new Map<object, number>();
  return {
    add(name: object): void {
      ends.delete(name);
      ends.set(name, performance.now() + lastsMs);
    },
    delete(name: object): void {
      ends.delete(name);
    },
    /** When the oldest one that is still there goes. */
    next(now: number): number | undefined {
      for (const [name, end] of ends) {
        if (end > now) return end;
        ends.delete(name);
      }
      return undefined;
    },
  };
}
