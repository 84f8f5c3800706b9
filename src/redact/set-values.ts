import type { SqlToken } from './sql-tokens.ts';

/**
 * Settings' values may be bare words: `set application_name = joe`. Gives the pieces, of the words and
 * names among those of a text without its comments, that are such values. Elsewhere a bare word is
 * the name of something.
 */
export function settingValues(sql: string, tokens: readonly SqlToken[]): Set<SqlToken> {
  const values = new Set<SqlToken>();
  if (!/\bset\b/i.test(sql)) return values;
  const word = (index: number) => {
    const token = tokens[index];
    if (token === undefined) return '';
    if (token.kind !== 'word' && token.kind !== 'symbol') return '';
    return sql.slice(token.start, token.end).toLowerCase();
  };
  let first = 0;
  let depth = 0;
  for (let index = 0; index < tokens.length; index += 1) {
    const text = word(index);
    if (text === '(') depth += 1;
    else if (text === ')') depth -= 1;
    else if (text === ';' && depth === 0) first = index + 1;
    else if (text === 'set' && depth === 0 && settingsFollow(word, first, index)) {
      for (const at of valuesAfter(word, tokens, index)) {
        const token = tokens[at];
        if (token !== undefined && isValue(sql, token, word(at))) values.add(token);
      }
    }
  }
  return values;
}

/** What has a SET of settings beside the statement itself: none of these sets columns. */
const withSettings: ReadonlySet<string> = new Set([
  'system',
  'role',
  'user',
  'database',
  'function',
  'procedure',
  'routine',
]);

function settingsFollow(word: (index: number) => string, first: number, set: number): boolean {
  if (set === first) return true;
  const verb = word(first);
  if (verb !== 'alter' && verb !== 'create') return false;
  // CREATE OR REPLACE FUNCTION has it fourth.
  const last = Math.min(set, first + 4);
  for (let at = first + 1; at < last; at += 1) if (withSettings.has(word(at))) return true;
  return false;
}

/** Where the values stand after `SET [LOCAL|SESSION] a.b {TO|=}` or `SET [LOCAL|SESSION] TIME ZONE`. */
function* valuesAfter(
  word: (index: number) => string,
  tokens: readonly SqlToken[],
  set: number,
): Generator<number> {
  let at = set + 1;
  if (word(at) === 'local' || word(at) === 'session') at += 1;
  if (word(at) === 'time' && word(at + 1) === 'zone') {
    yield at + 2;
    return;
  }
  while (isName(tokens[at]) && word(at + 1) === '.') at += 2;
  if (!isName(tokens[at])) return;
  at += 1;
  if (word(at) !== '=' && word(at) !== 'to') return;
  for (at += 1; at < tokens.length; at += 1) {
    // A number's sign stands before it.
    if (word(at) === '-' || word(at) === '+') continue;
    yield at;
    if (word(at + 1) !== ',') return;
    at += 1;
  }
}

const isName = (token: SqlToken | undefined) => token?.kind === 'word' || token?.kind === 'name';

function isValue(sql: string, token: SqlToken, text: string): boolean {
  if (token.kind === 'name') return !sql.startsWith('"$user"', token.start);
  return token.kind === 'word' && !plainValues.has(text);
}

/** Values that Postgres itself names, so that nobody else's data is told by them, and an auditor wants. */
const plainValues: ReadonlySet<string> = new Set(
  `default on off true false yes no none all local remote_write remote_apply origin replica ddl mod
   serializable repeatable read committed uncommitted public pg_catalog utc gmt utf8 unicode minimal
   logical iso sql postgres german ymd dmy mdy terse verbose debug debug1 debug2 debug3 debug4 debug5
   info notice warning error log fatal panic escape hex base64 content document partition
   auto force_custom_plan force_generic_plan interval`.split(/\s+/),
);
