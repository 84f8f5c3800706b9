import { type Alias, isAlias, isMap, isNode, isScalar, isSeq, type Pair, type YAMLMap } from 'yaml';

/** A fault of a node, with its offset in the text. */
export interface NodeFault {
  readonly offset: number;
  readonly sentence: string;
  readonly fix: string;
  /** False where the rest of the file can still be read: a key that stands twice. */
  readonly fatal: boolean;
}

/** What each alias stands for. */
export type Targets = ReadonlyMap<Alias, unknown>;

/** Values that aliases may add to a file: blocks for a hundred apps, far below a bomb. */
const mostCopies = 10_000;
/** Names in Postgres have 63 bytes. A longer key would only make each sentence that quotes it long. */
const longestKey = 256;
const mergeKey = '<<';

/**
 * Goes once over the nodes of a file, in its order, and tells what would make its values other than
 * they look, or endless: keys that stand twice, aliases without an anchor or inside of their own, bombs.
 * Linear in the size of the file, whose depth is bounded. Where no fault is fatal, all of `targets` are known.
 */
export function checkNodes(root: unknown): { faults: NodeFault[]; targets: Targets } {
  const faults: NodeFault[] = [];
  const targets = new Map<Alias, unknown>();
  const anchors = new Map<string, unknown>();
  /** Values below a node with an anchor, aliases unfolded; none yet while the walk is inside of it. */
  const sizes = new Map<unknown, number>();
  let copies = 0;

  const tell = (node: unknown, sentence: string, fix: string, fatal = true) => {
    faults.push({ offset: startOf(node) ?? 0, sentence, fix, fatal });
  };

  const walk = (node: unknown): number => {
    if (isAlias(node)) return follow(node);
    if (!isNode(node)) return 0;
    const { anchor } = node as { anchor?: string };
    if (anchor !== undefined) anchors.set(anchor, node);
    let size = 1;
    if (isSeq(node)) {
      for (const item of node.items) size += walk(item);
    } else if (isMap(node)) {
      const seen = new Set<string>();
      for (const pair of node.items) {
        checkKey(pair, seen);
        size += walk(pair.value);
        if (keyOf(pair) === mergeKey) checkMerge(pair.value);
      }
    }
    if (anchor !== undefined) sizes.set(node, size);
    return size;
  };

  const follow = (alias: Alias): number => {
    const target = anchors.get(alias.source);
    const size = sizes.get(target);
    if (target === undefined) {
      tell(
        alias,
        'This alias has no anchor (&name) before it.',
        'Set the anchor, or write it out.',
      );
      return 0;
    }
    if (size === undefined) {
      tell(alias, 'This alias stands inside of what it stands for.', 'Write out what is meant.');
      return 0;
    }
    targets.set(alias, target);
    const before = copies;
    copies += size;
    if (before <= mostCopies && copies > mostCopies) {
      const sentence = `With this alias, the file's aliases unfold to more than ${mostCopies} values.`;
      tell(alias, sentence, 'Write out what is meant.');
    }
    return size;
  };

  const checkKey = (pair: Pair, seen: Set<string>) => {
    const key = keyOf(pair);
    if (key === undefined) {
      tell(pair.key, 'This key is no plain text.', 'Write it out, without * and &.');
    } else if (key.length > longestKey) {
      tell(pair.key, `This key is longer than ${longestKey} characters.`, 'Shorten it.');
    } else if (key === '__proto__') {
      // JavaScript gives it a meaning of its own, and what stands below it would vanish.
      tell(pair.key, 'The name `__proto__` can stand nowhere in this file.', 'Choose another.');
    } else if (seen.has(key)) {
      tell(pair.key, 'This key stands twice in the same place.', 'Remove one of the two.', false);
    }
    if (key !== undefined) seen.add(key);
  };

  const checkMerge = (value: unknown) => {
    for (const source of isSeq(value) ? value.items : [value]) {
      const target = isAlias(source) ? targets.get(source) : source;
      // An alias without a target has been told of.
      if (isMap(target) || (isAlias(source) && target === undefined)) continue;
      tell(source, 'Only a group of keys can be merged (<<).', 'Name one, or a list of them.');
    }
  };

  walk(root);
  return { faults, targets };
}

/** The entries of a map by key, those that `<<` brings included; of a key that stands twice, the last. */
export function entriesOf(map: YAMLMap, targets: Targets): Map<string, Pair> {
  const own = new Map<string, Pair>();
  const merged = new Map<string, Pair>();
  for (const pair of map.items) {
    const key = keyOf(pair);
    if (key === undefined) continue;
    own.set(key, pair);
    if (key !== mergeKey) continue;
    for (const source of isSeq(pair.value) ? pair.value.items : [pair.value]) {
      const target = isAlias(source) ? targets.get(source) : source;
      if (!isMap(target)) continue;
      for (const [name, entry] of entriesOf(target, targets)) {
        if (!merged.has(name)) merged.set(name, entry);
      }
    }
  }
  return new Map([...merged, ...own]);
}

/** Offset of a node in the text. */
export function startOf(node: unknown): number | undefined {
  const range = (node as { range?: readonly number[] | null } | null | undefined)?.range;
  return range?.[0];
}

function keyOf(pair: Pair): string | undefined {
  if (!isScalar(pair.key)) return undefined;
  // The parser makes a symbol of an unquoted <<.
  if (typeof pair.key.value === 'symbol') return mergeKey;
  return String(pair.key.value);
}
