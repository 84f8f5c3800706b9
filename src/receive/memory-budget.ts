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
   * one gets more than a half, so that who fills their own holds up nobody else. One request counts
   * for at most three eighths, so that what hangs of its owner's does not keep a large one out.
   */
  take(bytes: number, of: string, signal: AbortSignal): Promise<Hold | undefined>;
  readonly held: number;
}

interface Waiting {
  readonly bytes: number;
  readonly of: string;
  readonly enter: () => void;
}

/** `limit` in bytes. */
export function createMemoryBudget(limit: number): MemoryBudget {
  const share = limit / 2;
  const most = (limit * 3) / 8;
  let held = 0;
  const heldBy = new Map<string, number>();
  const line = new Set<Waiting>();
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
          of,
          enter() {
            signal.removeEventListener('abort', leave);
            resolve(hold(bytes, of));
          },
        };
        const leave = () => {
          line.delete(waiting);
          resolve(undefined);
          admit();
        };
        signal.addEventListener('abort', leave, { once: true });
        line.add(waiting);
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

  /**
   * In the order of arrival, so that a large frame is not passed over for ever; but for those whose
   * half is used up, who wait for their own alone.
   */
  function admit(): void {
    const full = new Set<string>();
    for (const next of line) {
      if (full.has(next.of)) continue;
      if ((heldBy.get(next.of) ?? 0) + next.bytes > share) {
        full.add(next.of);
        continue;
      }
      if (held + next.bytes > limit) return;
      line.delete(next);
      next.enter();
    }
  }
}
