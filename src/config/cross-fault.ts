import type { KeyPath } from './problem.ts';
import type { Named } from './written.ts';

/** What a cross check found: `at` is the value's place in the tree. */
export interface CrossFault {
  readonly at: KeyPath;
  readonly sentence: string;
  readonly fix: string;
  /** The key is meant rather than its value. */
  readonly onKey?: boolean;
}

/** Faults for each text that an earlier one equals. */
export function shared(
  texts: readonly Named[],
  sentence: (text: string) => string,
  fix: string,
): CrossFault[] {
  const seen = new Set<string>();
  return texts.flatMap(({ at, text }) => {
    if (!seen.has(text)) {
      seen.add(text);
      return [];
    }
    return [{ at, sentence: sentence(text), fix }];
  });
}
