import { findSecrets } from './find-secrets.ts';
import type { Place } from './place.ts';

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

/**
 * A problem whose texts can be printed: where they would quote what looks like a secret, that alone is
 * told; what would act on a terminal, or break the line, is shown as an escape.
 */
export function problemAt(
  path: string,
  place: Place,
  at: KeyPath,
  told: { readonly sentence: string; readonly fix: string },
): Problem {
  const [secret] = findSecrets([...at, told.sentence, told.fix].join('\n'));
  const { sentence, fix } = secret === undefined ? told : secretTold(secret.looksLike);
  return {
    path,
    line: place.line,
    column: place.column,
    key: secret === undefined ? escaped(showKey(at)) : '',
    sentence: escaped(sentence),
    fix: escaped(fix),
  };
}

/** What is told of a secret in the file. */
export function secretTold(looksLike: string): { sentence: string; fix: string } {
  return {
    sentence: `This looks like ${looksLike}, and the file is no place for secrets.`,
    fix: 'Put it into an environment variable and name the variable here; change the secret if the file was ever shared.',
  };
}

/** Control and format characters, line breaks and lone surrogates as JSON would escape them. */
function escaped(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/** More than these nobody reads: they have one cause. */
export const mostTold = 100;

/** Each problem as `pgwitness.yaml:12:5 sentence`, the fix on a line below it; then how many more there are. */
export function showProblems(problems: readonly Problem[]): string[] {
  const told = problems
    .slice(0, mostTold)
    .map(
      ({ path, line, column, sentence, fix }) =>
        `${path}:${line}:${column} ${sentence}\n    ${fix}`,
    );
  const more = problems.length - told.length;
  return more > 0 ? [...told, `… and ${more} more`] : told;
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
