import type { KeyPath } from './problem.ts';

/** A group of keys of the file. */
export type Tree = Readonly<Record<string, unknown>>;

/** A text of the file and its place in the tree. */
export interface Named {
  readonly at: KeyPath;
  readonly text: string;
}

/** `value` where it is a group of keys, else an empty one. */
export function tree(value: unknown): Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Tree)
    : {};
}

/** What stands at `at` below `value`; undefined where nothing does. */
export function get(value: unknown, at: KeyPath): unknown {
  let here = value;
  for (const part of at) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, part)) return undefined;
    here = (here as Record<string | number, unknown>)[part];
  }
  return here;
}

/** The text at `at`; undefined where there is none, or something else. */
export function textAt(value: unknown, at: KeyPath): Named | undefined {
  const text = get(value, at);
  return typeof text === 'string' ? { at, text } : undefined;
}

/** The texts of the list at `at`; what else stands in it is left out. */
export function textsAt(value: unknown, at: KeyPath): Named[] {
  return indexesAt(value, at).flatMap((index) => optional(textAt(value, [...at, index])));
}

/** The indexes of the list at `at`; none where there is no list. */
export function indexesAt(value: unknown, at: KeyPath): number[] {
  const list = get(value, at);
  return Array.isArray(list) ? [...list.keys()] : [];
}

/** A list of one, or of none: for flatMap. */
export function optional<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}
