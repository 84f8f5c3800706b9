import { literalValue } from './literal-value.ts';
import type { SqlToken } from './sql-tokens.ts';

/** Postgres keeps no longer name. */
const longestName = 63;
/** Letters, digits, and what ORMs put between the parts of a name: `user.id`, `posts->author`. */
const plain = /^[\p{L}_][\p{L}\p{M}\p{N}_$.:>-]*$/u;
/** A table or a label may well hold blanks and brackets, where the statement says that it is one. */
const wide = /^[\p{L}_#][\p{L}\p{M}\p{N}_$.:>#/%&()+ -]*$/u;
/** What such a table or label stands after. */
const names: ReadonlySet<string> = new Set([
  ...['as', 'from', 'join', 'into', 'update', 'table', 'only', 'index', 'view', 'schema', 'column'],
  ...['role', 'user', 'constraint', 'sequence', 'type', 'function', 'trigger', 'exists'],
]);
const comparisons: ReadonlySet<string> = new Set(['=', '<', '>', '~', 'like', 'ilike']);

/**
 * Whether what stands in double quotes is by all signs a name, and no value that someone quoted wrongly
 * (`where email = "joe@example.com"`, `values ("Joe")`). When in doubt it is none.
 *
 * `before` and `after` are the pieces beside it in lower case, '' where there is none; `inList`
 * whether it stands in the brackets of VALUES or IN.
 */
export function isPlainName(
  sql: string,
  token: SqlToken,
  beside: { readonly before: string; readonly after: string; readonly inList: boolean },
): boolean {
  const written = sql.slice(token.start, token.end);
  // In search_path it is whoever asks.
  if (written === '"$user"') return true;
  // `U&"…"` may spell anything.
  if (!written.startsWith('"')) return false;
  const value = literalValue(sql, token);
  if (Buffer.byteLength(value, 'utf8') > longestName) return false;
  const { before, after, inList } = beside;
  const part = before === '.' || after === '.';
  if (part || names.has(before)) return wide.test(value);
  if (after === '(') return plain.test(value);
  return plain.test(value) && !inList && !comparisons.has(before);
}
