import type { SqlToken } from './sql-tokens.ts';

/** A bracket, or a CASE, that is open. */
interface Level {
  readonly closedBy: string;
  /** Pieces since the last that begins something beside, e.g. a comma. */
  own: number;
  /** The deepest of what is within those. */
  inner: number;
  /** The deepest so far. */
  most: number;
  /** Queries and joins that hold the ones before them, however many commas are in between. */
  chain: number;
}

/**
 * How deep the parse tree of a statement is at most, told from its pieces alone. The grammar's tree is
 * walked by a function that calls itself: ten thousand levels overflow the stack that Node gives.
 * What lies side by side (rows, items of a list, AND, OR) adds nothing.
 */
export function mostDepth(sql: string, tokens: readonly SqlToken[]): number {
  const open: Level[] = [];
  let here = level('');
  for (const token of tokens) {
    if (token.kind !== 'word' && token.kind !== 'symbol') {
      if (token.kind !== 'comment') here.own += 1;
      continue;
    }
    const length = token.end - token.start;
    const text = length > longestKeyword ? '' : sql.slice(token.start, token.end).toLowerCase();
    const closedBy = brackets.get(text);
    if (closedBy !== undefined) {
      open.push(here);
      here = level(closedBy);
    } else if (text !== '' && text === here.closedBy) {
      const inner = depthOf(here);
      here = open.pop() ?? level('');
      here.inner = Math.max(here.inner, inner);
    } else if (sideBySide.has(text)) {
      here.most = Math.max(here.most, here.own + here.inner);
      here.own = 0;
      here.inner = 0;
    } else {
      here.own += 1;
      if (chained.has(text)) here.chain += 1;
    }
  }
  let deepest = depthOf(here);
  for (const each of open.reverse()) {
    each.inner = Math.max(each.inner, deepest);
    deepest = depthOf(each);
  }
  return deepest;
}

const level = (closedBy: string): Level => ({ closedBy, own: 1, inner: 0, most: 0, chain: 0 });

const depthOf = ({ own, inner, most, chain }: Level) => Math.max(most, own + inner) + chain;

const brackets: ReadonlyMap<string, string> = new Map([
  ['(', ')'],
  ['[', ']'],
  ['case', 'end'],
]);
const sideBySide: ReadonlySet<string> = new Set([',', ';', 'and', 'or', 'when', 'then']);
const chained: ReadonlySet<string> = new Set(['union', 'except', 'intersect', 'join']);
const longestKeyword = 'intersect'.length;
