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
  /** Resolves undefined when `signal` aborts before there is room. */
  take(bytes: number, signal: AbortSignal): Promise<Hold | undefined>;
  readonly held: number;
}

/** `limit` in bytes; one request may take all of it, and never more. */
export function createMemoryBudget(limit: number): MemoryBudget {
  let held = 0;
  const line: { readonly bytes: number; readonly enter: () => void }[] = [];
  return {
    get held() {
      return held;
    },
    take(asked, signal) {
      const bytes = Math.min(asked, limit);
      if (signal.aborted) return Promise.resolve(undefined);
      if (line.length === 0 && held + bytes <= limit) return Promise.resolve(hold(bytes));
      return new Promise((resolve) => {
        const waiting = {
          bytes,
          enter() {
            signal.removeEventListener('abort', leave);
            resolve(hold(bytes));
          },
        };
        const leave = () => {
          line.splice(line.indexOf(waiting), 1);
          resolve(undefined);
          admit();
        };
        signal.addEventListener('abort', leave, { once: true });
        line.push(waiting);
      });
    },
  };

  function hold(bytes: number): Hold {
    held += bytes;
    let kept = bytes;
    return {
      keep(most) {
        const next = Math.min(kept, most);
        held -= kept - next;
        kept = next;
        admit();
      },
    };
  }

  /** In the order of arrival, so that a large frame is not passed over for ever. */
  function admit(): void {
    for (let next = line[0]; next !== undefined && held + next.bytes <= limit; next = line[0]) {
      line.shift();
      next.enter();
    }
  }
}
