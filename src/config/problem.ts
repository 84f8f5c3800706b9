/** One fault of `pgwitness.yaml`, at its place. */
export interface Problem {
  /** The file, as it was given. */
  readonly path: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
  /** Where in the tree, e.g. `apps.raxx-api-prod.drain.tokens[0]`; '' for the file as a whole. */
  readonly key: string;
  /** What is wrong. Never quotes a value, which may be a secret. */
  readonly sentence: string;
  /** What to do about it. */
  readonly fix: string;
}

/** Keys and indexes from the root of the file. */
export type KeyPath = readonly (string | number)[];

/** `['apps', 'x', 'tokens', 0]` as `apps.x.tokens[0]`. */
export function showKey(key: KeyPath): string {
  return key
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');
}

/** `pgwitness.yaml:12:5 sentence`, the fix on a line below it. */
export function showProblem(problem: Problem): string {
  return `${problem.path}:${problem.line}:${problem.column} ${problem.sentence}\n    ${problem.fix}`;
}

/** In the order of the file, each once. */
export function inFileOrder(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems
    .filter((problem) => {
      const name = JSON.stringify([problem.line, problem.column, problem.sentence]);
      return !seen.has(name) && seen.add(name);
    })
    .sort((a, b) => a.line - b.line || a.column - b.column);
}
