import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isSeq,
  Lexer,
  type Pair,
  Parser,
  type YAMLMap,
} from 'yaml';
import { checkNodes, entriesOf, startOf, type Targets } from './check-nodes.ts';
import { type Place, placesIn } from './place.ts';
import type { KeyPath } from './problem.ts';

/** A fault of the YAML itself. */
export interface YamlFault extends Place {
  readonly sentence: string;
  readonly fix: string;
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

/** An honest file goes seven levels deep. What reads YAML recurses, and far down ends the process. */
const deepest = 64;
/** One torn bracket brings a fault for each level above it: the first ones tell all. */
const mostFaults = 20;
/** Where a message of the parser goes on with what stands in the file. */
const quoted = /(:? *"|(?<=\w): |(?<=escape sequence) ).*$/s;

/** Reads YAML with the place of every value. Never throws, and no fault quotes a value. */
export function parseYaml(text: string): YamlSource {
  const placeAt = placesIn(text);
  const unread = (faults: readonly YamlFault[]): YamlSource => ({
    value: undefined,
    faults,
    locate: () => ({ line: 1, column: 1 }),
  });

  const fatal = (offset: number, sentence: string, fix: string) => ({
    ...placeAt(offset),
    sentence,
    fix,
    fatal: true,
  });

  const noText = offsetOfNoText(text);
  if (noText !== undefined) return unread([fatal(noText, ...noTextFault(text[noText]))]);

  const { tokens, tooDeep } = tokensOf(text);
  if (tooDeep !== undefined) {
    const sentence = `It is nested too deep: more than ${deepest} levels.`;
    return unread([fatal(tooDeep, sentence, 'Take levels out; no key belongs so deep.')]);
  }

  const { document, faults: ofSyntax } = compose(tokens, text.length);
  if (ofSyntax.length > 0) {
    const fix = 'Correct it; the keys are looked at once it can be read.';
    return unread(ofSyntax.map(({ offset, sentence }) => fatal(offset, sentence, fix)));
  }

  const { faults: ofNodes, targets } = checkNodes(document.contents);
  const faults = ofNodes.map(({ offset, ...fault }) => ({ ...placeAt(offset), ...fault }));
  if (faults.some((fault) => fault.fatal)) return unread(faults);

  const known = new Map<YAMLMap, Map<string, Pair>>();
  const entries = (map: YAMLMap) => {
    const found = known.get(map) ?? entriesOf(map, targets);
    known.set(map, found);
    return found;
  };
  return {
    // checkNodes has bounded what aliases unfold to.
    value: document.toJS({ maxAliasCount: -1 }),
    faults,
    locate: (key, at = 'value') =>
      placeAt(
        offsetOf(document.contents, key, at, (node, part) => childOf(node, part, entries, targets)),
      ),
  };
}

/** The first character that is no text: a control character, or a CR that the parser takes for none. */
function offsetOfNoText(text: string): number | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const found = text.search(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]|\r(?!\n)/);
  return found === -1 ? undefined : found;
}

function noTextFault(character: string | undefined): [sentence: string, fix: string] {
  if (character === '\r') {
    return [
      'A line ends here in a carriage return (CR) alone.',
      'Save the file with line ends LF or CRLF.',
    ];
  }
  return [
    'A control character stands here, which no text has.',
    'Take it out, or save the file as UTF-8: other encodings have such bytes.',
  ];
}

/** The tokens of `text`; or where it goes deeper than `deepest`, and reading ends. */
function tokensOf(text: string): { tokens: CST.Token[]; tooDeep?: number } {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    if (parser.stack.length > deepest) return { tokens, tooDeep: parser.offset };
  }
  tokens.push(...parser.end());
  return { tokens };
}

function compose(tokens: readonly CST.Token[], length: number) {
  const composer = new Composer({
    // A pretty error quotes the line, which may hold a secret.
    prettyErrors: false,
    merge: true,
    stringKeys: true,
    // Its own search for keys that stand twice is quadratic: checkNodes does it.
    uniqueKeys: false,
    logLevel: 'error',
    version: '1.2',
  });
  // With `true` there is a document even of no token.
  const [document, another] = composer.compose(tokens, true, length) as Iterable<Document>;
  if (document === undefined) throw new TypeError('the composer made no document');
  const faults = [...document.errors, ...document.warnings]
    .slice(0, mostFaults)
    .map(({ pos, message }) => ({
      offset: pos[0],
      sentence: `This is not valid YAML: ${message.replace(quoted, '')}.`,
    }));
  if (another !== undefined) {
    faults.push({
      offset: another.range?.[0] ?? 0,
      sentence: 'This is not valid YAML: A second document begins here.',
    });
  }
  return { document, faults };
}

/** Offset of the node at `key`, or of the deepest node on the way to it. */
function offsetOf(
  root: unknown,
  key: KeyPath,
  at: 'key' | 'value',
  child: (node: unknown, part: string | number) => { key?: unknown; value: unknown } | undefined,
): number {
  let node: unknown = root;
  let offset = startOf(node) ?? 0;
  for (const [index, part] of key.entries()) {
    const pair = child(node, part);
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
  given: unknown,
  part: string | number,
  entries: (map: YAMLMap) => ReadonlyMap<string, Pair>,
  targets: Targets,
): { key?: unknown; value: unknown } | undefined {
  const node = isAlias(given) ? targets.get(given) : given;
  if (isSeq(node)) {
    const value = typeof part === 'number' ? node.items[part] : undefined;
    return value === undefined ? undefined : { value };
  }
  return isMap(node) ? entries(node).get(String(part)) : undefined;
}
