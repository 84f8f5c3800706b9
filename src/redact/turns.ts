import { setImmediate as nextTurn } from 'node:timers/promises';

/** After so long others get their turn. */
const longestTurnMs = 4;

/** Lets the event loop go on, each time this one has run for some milliseconds; undefined until then. */
export function turns(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < longestTurnMs) return undefined;
    return nextTurn().then(() => {
      since = performance.now();
    });
  };
}
