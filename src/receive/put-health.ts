/** What the last puts say of the sink. Nothing is ever written only to find out. */
export interface PutHealth {
  stored(): void;
  failed(): void;
  /** Seconds since the last put that was stored; undefined before the first. */
  ageSeconds(): number | undefined;
  /** `failing`: the last put failed, less than `failingMs` ago. */
  state(): 'no-put-yet' | 'storing' | 'failing';
}

/**
 * A failure makes the receiver unready for so long and no longer: a load balancer that sends it
 * nothing would otherwise never let it find out that the sink is well again.
 */
const failingMs = 30_000;

/** `now` in epoch milliseconds. */
export function createPutHealth(now: () => number): PutHealth {
  let storedAt: number | undefined;
  let failedAt: number | undefined;
  let lastFailed = false;
  return {
    stored() {
      storedAt = now();
      lastFailed = false;
    },
    failed() {
      failedAt = now();
      lastFailed = true;
    },
    ageSeconds() {
      return storedAt === undefined ? undefined : Math.max(0, (now() - storedAt) / 1000);
    },
    state() {
      if (lastFailed && now() - (failedAt ?? 0) < failingMs) return 'failing';
      return storedAt === undefined ? 'no-put-yet' : 'storing';
    },
  };
}
