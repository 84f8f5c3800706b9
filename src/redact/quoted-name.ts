import { literalValue } from './literal-value.ts';
import type { SqlToken } from './sql-tokens.ts';
import { namePlaces } from './value-places.ts';

/** Postgres keeps no longer name. */
const longestName = 63;
/** Letters, digits, and what ORMs put between the parts of a name: `user.id`, `posts->author`. */
const plain = /^[\p{L}_][\p{L}\p{M}\p{N}_$.:>-]*$/u;
/** A table or a label may well hold blanks and brackets, where the statement says that it is one. */
const wide = /^[\p{L}_#][\p{L}\p{M}\p{N}_$.:>#/%&()+ -]*$/u;

/**
 * Which of the pieces in double quotes are by all signs names, and no values that someone quoted
 * wrongly (`where email = "joe@example.com"`, `values ("Joe")`). When in doubt one is none, unless the
 * same stands in the statement where it can be nothing but a name.
 *
 * `tokens` are a statement's pieces without its comments; `texts` see `namePlaces`.
 */
export function plainNames(
  sql: string,
  tokens: readonly SqlToken[],
  texts: readonly string[],
): ReadonlySet<SqlToken> {
  const names = new Set<SqlToken>();
  if (!tokens.some(({ kind }) => kind === 'name')) return names;
  const certain = new Set<string>();
  const doubtful: [SqlToken, string][] = [];
  for (const [at, place] of namePlaces(tokens, texts)) {
    const token = tokens[at] as SqlToken;
    const written = sql.slice(token.start, token.end);
    // In search_path it is whoever asks.
    if (written === '"$user"') names.add(token);
    // `U&"…"` may spell anything.
    if (!written.startsWith('"') || !token.closed) continue;
    const value = literalValue(sql, token);
    if (Buffer.byteLength(value, 'utf8') > longestName) continue;
    if (!(place === 'name' ? wide : plain).test(value)) continue;
    if (place === 'value') doubtful.push([token, value]);
    else names.add(token);
    if (place === 'name') certain.add(value);
  }
  for (const [token, value] of doubtful) if (certain.has(value)) names.add(token);
  return names;
}
