import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
} from 'yaml';
import type { KeyPath } from './problem.ts';

/** A place in the file, both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A fault of the YAML itself. */
export interface YamlFault extends Place {
  readonly sentence: string;
  /** False where the rest of the file can still be read: a key that stands twice. */
  readonly fatal: boolean;
}

export interface YamlSource {
  /** The file's content as plain values; undefined after a fatal fault. */
  readonly value: unknown;
  readonly faults: readonly YamlFault[];
  /** Where the value at `key` stands; its key where `at` is 'key'; of what is missing, its nearest parent. */
  locate(key: KeyPath, at?: 'key' | 'value'): Place;
}

/** Uses of an alias, multiplied through nested ones: far above honest files, far below a bomb. */
const mostAliases = 200;

/** Reads YAML with the place of every value. Never throws, and no fault quotes a value. */
export function parseYaml(text: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    // A pretty error quotes the line, which may hold a secret.
    prettyErrors: false,
    merge: true,
    stringKeys: true,
    logLevel: 'error',
    version: '1.2',
  });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const faults: YamlFault[] = [...document.errors, ...document.warnings]
    // One torn bracket brings a fault for each level above it: the first ones tell all.
    .slice(0, 20)
    .map((error) => ({
      ...placeAt(error.pos[0]),
      sentence:
        error.code === 'DUPLICATE_KEY'
          ? 'This key stands twice in the same place.'
          : `This is not valid YAML: ${error.message.replace(/:? *".*$/s, '')}.`,
      fatal: error.code !== 'DUPLICATE_KEY',
    }));
  const locate = (key: KeyPath, at: 'key' | 'value' = 'value') =>
    placeAt(offsetOf(document, key, at));
  if (faults.some((fault) => fault.fatal)) return { value: undefined, faults, locate };
  try {
    return { value: document.toJS({ maxAliasCount: mostAliases }), faults, locate };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const sentence = error.message.startsWith('Excessive alias count')
      ? `Its aliases unfold to more than ${mostAliases} copies.`
      : 'It has an alias (*name) whose anchor (&name) does not stand before it.';
    const fault = { line: 1, column: 1, sentence, fatal: true };
    return { value: undefined, faults: [...faults, fault], locate };
  }
}

/** Offset of the node at `key`, or of the deepest node on the way to it. */
function offsetOf(document: Document, key: KeyPath, at: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [index, part] of key.entries()) {
    const pair = childOf(document, node, part);
    if (pair === undefined) return offset;
    const value = startOf(pair.value);
    const named = startOf(pair.key);
    // A key names its block better than the block's first entry does.
    const onValue = index === key.length - 1 && at === 'value' && !isCollection(pair.value);
    offset = (onValue ? (value ?? named) : (named ?? value)) ?? offset;
    node = pair.value;
  }
  return offset;
}

/** The entry of a map or sequence that `part` names; aliases and merges (`<<`) are followed. */
function childOf(
  document: Document,
  given: unknown,
  part: string | number,
): { key?: unknown; value: unknown } | undefined {
  const node = isAlias(given) ? given.resolve(document) : given;
  if (isSeq(node)) {
    const value = typeof part === 'number' ? node.items[part] : undefined;
    return value === undefined ? undefined : { value };
  }
  if (!isMap(node)) return undefined;
  // Of a key that stands twice the last one counts, as in the values.
  const own = node.items.findLast((pair) => isScalar(pair.key) && String(pair.key.value) === part);
  if (own !== undefined) return own;
  const merged = node.items.find((pair) => isScalar(pair.key) && pair.key.source === '<<');
  if (merged === undefined) return undefined;
  const sources = isSeq(merged.value) ? merged.value.items : [merged.value];
  for (const source of sources) {
    // A map that merges itself is refused when the values are made; here it must not recurse.
    const inner = isAlias(source) ? source.resolve(document) : source;
    const found = isMap(inner)
      ? inner.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === part)
      : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function startOf(node: unknown): number | undefined {
  const range = (node as { range?: readonly number[] | null } | null | undefined)?.range;
  return range?.[0];
}
