import type { SqlToken } from './sql-tokens.ts';

/**
 * How deep the parse tree of a statement can be at most, told from its pieces alone. The grammar's
 * tree is walked by a function that calls itself: a thousand levels take a tenth of the stack that
 * Node gives, ten thousand overflow it. What lies side by side (rows, list items, AND, OR) adds nothing.
 */
export function mostDepth(sql: string, tokens: readonly SqlToken[]): number {
  // Of each open bracket: pieces since the last comma, and the deepest of what the brackets in them hold.
  const open: { own: number; inner: number; most: number }[] = [];
  let here = { own: 0, inner: 0, most: 0 };
  const close = () => {
    here.most = Math.max(here.most, here.own + here.inner);
    here.own = 0;
    here.inner = 0;
  };
  for (const token of tokens) {
    if (token.kind === 'comment') continue;
    const text = token.end - token.start > 4 ? '' : sql.slice(token.start, token.end).toLowerCase();
    if (text === '(' || text === '[') {
      open.push(here);
      here = { own: 1, inner: 0, most: 0 };
    } else if (text === ')' || text === ']') {
      close();
      const { most } = here;
      here = open.pop() ?? { own: 0, inner: 0, most: 0 };
      here.inner = Math.max(here.inner, most);
    } else if (sideBySide.has(text)) close();
    else here.own += 1;
  }
  close();
  let deepest = here.most;
  for (const level of open.reverse()) {
    deepest = Math.max(level.most, level.own + Math.max(level.inner, deepest));
  }
  return deepest;
}

const sideBySide: ReadonlySet<string> = new Set([',', ';', 'and', 'or', 'when', 'then']);
