import { arrivalKey, derivedKey } from '../sink/object-key.ts';
import type { Repeated } from './describe-frame.ts';

/** Frames whose key a retry can't derive; Logplex gives up a frame within 15 s. */
const mostRemembered = 4_096;

export interface FrameToName {
  readonly prefix: string;
  /** Headers as received; null where missing. */
  readonly id: string | null;
  readonly token: string | null;
  readonly repeated: Repeated;
  /** Epoch milliseconds. */
  readonly arrivedAt: number;
}

/**
 * Names the object of each frame. A frame without an id gets a new name each time. One with an id
 * gets the same at each retry: derived, or, where its timestamps are of no use, remembered here.
 */
export function createFrameNames(): (frame: FrameToName) => string {
  const remembered = new Map<string, string>();
  return ({ prefix, id, token, repeated, arrivedAt }) => {
    if (id === null || id === '') return arrivalKey(prefix, arrivedAt);
    const identity = { id, token: token ?? '', ...repeated };
    const { key, uuid, stable } = derivedKey(prefix, identity, arrivedAt);
    if (stable) return key;
    const name = `${prefix}/${uuid}`;
    const before = remembered.get(name) ?? key;
    // Taken out and put in again: a Map goes by age, and the oldest is forgotten.
    remembered.delete(name);
    remembered.set(name, before);
    for (const oldest of remembered.keys()) {
      if (remembered.size <= mostRemembered) break;
      remembered.delete(oldest);
    }
    return before;
  };
}
