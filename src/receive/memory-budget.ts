/** Bytes taken from the budget. */
export interface Hold {
  /** Gives back all but `bytes`; what is held never grows. */
  keep(bytes: number): void;
}

/**
 * Bytes that all requests together may hold. Who asks for more than is left waits in line: an
 * answer of 503 at once would burn all three tries of a drain within milliseconds.
 */
export interface MemoryBudget {
  /**
   * Resolves undefined when `signal` aborts before there is room. `of` names whose bytes they are: no
   * one gets more than a half, so that who fills their own holds up nobody else, and owners take turns,
   * so that who sends one frame does not stand behind hundreds of another's. One request counts for at
   * most three eighths, so that what hangs of its owner's does not keep a large one out.
   */
  take(bytes: number, of: string, signal: AbortSignal): Promise<Hold | undefined>;
  readonly held: number;
}

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

/** `limit` in bytes. */
export function createMemoryBudget(limit: number): MemoryBudget {
  const share = limit / 2;
  const most = (limit * 3) / 8;
  let held = 0;
  const heldBy = new Map<string, number>();
  /** By owner; whose turn is next stands first. */
  const lines = new Map<string, Set<Waiting>>();
  return {
    get held() {
      return held;
    },
    take(asked, of, signal) {
      const bytes = Math.min(asked, most);
      if (signal.aborted) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        const waiting: Waiting = {
          bytes,
          enter() {
            signal.removeEventListener('abort', leave);
            resolve(hold(bytes, of));
          },
        };
        const leave = () => {
          leaveLine(of, waiting);
          resolve(undefined);
          admit();
        };
        signal.addEventListener('abort', leave, { once: true });
        const own = lines.get(of) ?? new Set();
        lines.set(of, own.add(waiting));
        admit();
      });
    },
  };

  function hold(bytes: number, of: string): Hold {
    count(bytes, of);
    let kept = bytes;
    return {
      keep(most) {
        const next = Math.min(kept, most);
        if (next === kept) return;
        count(next - kept, of);
        kept = next;
        admit();
      },
    };
  }

  function count(bytes: number, of: string): void {
    held += bytes;
    const own = (heldBy.get(of) ?? 0) + bytes;
    if (own === 0) heldBy.delete(of);
    else heldBy.set(of, own);
  }

  function leaveLine(of: string, waiting: Waiting): void {
    const own = lines.get(of);
    own?.delete(waiting);
    if (own?.size === 0) lines.delete(of);
  }

  function admit(): void {
    for (let next = nextInTurn(); next !== undefined; next = nextInTurn()) {
      const { of, own, first } = next;
      leaveLine(of, first);
      // To the end of the turns.
      if (lines.delete(of)) lines.set(of, own);
      first.enter();
    }
  }

  /**
   * Owners take turns, each one's frames in the order of arrival. Whose half is used up waits for their
   * own alone; for who is next beside those all wait, so that a large frame is not passed over for ever.
   */
  function nextInTurn() {
    for (const [of, own] of lines) {
      const [first] = own;
      if (first === undefined || (heldBy.get(of) ?? 0) + first.bytes > share) continue;
      return held + first.bytes > limit ? undefined : { of, own, first };
    }
    return undefined;
  }
}
