import type { Edit, Edits } from './edit.ts';
import { literalValue } from './literal-value.ts';
import { plainNames } from './quoted-name.ts';
import { settingValues } from './set-values.ts';
import { mostDepth } from './sql-depth.ts';
import { loadSqlGrammar } from './sql-grammar.ts';
import { readSqlTokens, type SqlToken } from './sql-tokens.ts';

/** Finds the values in SQL. */
export interface SqlScanner {
  /**
   * What to replace so that no value is left: string, bit and number literals by `'pgw:…'`, comments'
   * content by nothing, names in double quotes that look like values by `"pgw:…"`, bare words that SET
   * gives to a setting by `'pgw:…'`. Parameters, keywords and names stay.
   *
   * `whole`: the text ends where the statement does. Then it has to be SQL by Postgres's own grammar,
   * else `ok: false`. Not whole, it has to be the beginning of such SQL; what it ends in is replaced by
   * `'[cut]'`, without a token, as its value is not known.
   */
  edits(
    sql: string,
    tokenOf: (value: string) => string,
    options: { readonly whole: boolean },
  ): Edits;
  /** As `SqlGrammar.ready`: to be asked, and awaited, before each message. */
  ready(): Promise<void> | undefined;
}

/** Parsing takes about 10 bytes of heap a byte of statement, and Lambda has little (UTF-16 units). */
const longestSql = 4 * 1024 * 1024;
/** Words, values and signs: they take 4 µs each, in which nothing else of the process has a turn. */
const mostPieces = 100_000;
/** A third of the levels at which the grammar has run out of stack. */
const deepestSql = 1_200;
/** Bind messages can't carry a parameter above it, so such a `$` is an amount of dollars. */
const mostParameters = 65_535;

const unplaced: Edits = { ok: false };

/** Loads the grammar; takes about 100 ms of CPU. */
export async function loadSqlScanner(): Promise<SqlScanner> {
  const grammar = await loadSqlGrammar();
  return {
    edits: (sql, tokenOf, { whole }) => {
      if (sql.length > longestSql) return unplaced;
      const tokens = readSqlTokens(sql, mostPieces + 1);
      if (tokens.length > mostPieces) return unplaced;
      if (tokens.some((token) => token.doubtful) || mostDepth(sql, tokens) > deepestSql) {
        return unplaced;
      }
      const last = tokens.at(-1);
      if (whole) {
        if (last?.closed === false || grammar.parse(sql) !== 'statements') return unplaced;
        return { ok: true, edits: editsOf(sql, tokens, tokenOf, undefined) };
      }
      const cut = last?.end === sql.length ? last : undefined;
      const begins = (text: string) => grammar.parse(text) !== 'neither';
      const word = cut?.kind === 'word' || cut?.kind === 'symbol';
      if (cut !== undefined && !word ? begins(sql.slice(0, cut.start)) : begins(sql)) {
        return { ok: true, edits: editsOf(sql, tokens, tokenOf, cut) };
      }
      // Half a keyword is no SQL as it stands; nor is the text of someone who forgot the quotes.
      const half =
        cut?.kind === 'word' && beginsKeyword(sql, cut) && begins(sql.slice(0, cut.start));
      if (!half) return unplaced;
      const edits = editsOf(sql, tokens, tokenOf, cut);
      return { ok: true, edits: [...edits, { start: cut.start, end: cut.end, text: '[cut]' }] };
    },
    ready: () => grammar.ready(),
  };
}

/** Keywords that a cut is likely to fall in, as they may follow a name. */
const keywords =
  `where from order group having limit offset returning values select set and or not null is in between
   like ilike on using join inner left right full cross union except intersect for with as conflict do
   update default case when then else end table into`.split(/\s+/);

function beginsKeyword(sql: string, { start, end }: SqlToken): boolean {
  const word = sql.slice(start, end).toLowerCase();
  return keywords.some((keyword) => keyword.startsWith(word));
}

/** `cut` is the piece in which, or right behind which, the text ends before the statement does. */
function editsOf(
  sql: string,
  all: readonly SqlToken[],
  tokenOf: (value: string) => string,
  cut: SqlToken | undefined,
): Edit[] {
  const edits: Edit[] = [];
  const put = (start: number, end: number, text: string) => {
    if (sql.slice(start, end) !== text) edits.push({ start, end, text });
  };
  const tokens = all.filter(({ kind }) => kind !== 'comment');
  const settings = settingValues(sql, tokens);
  const texts = tokens.map((token) => textOf(sql, token));
  const names = plainNames(sql, tokens, texts);
  const foreign = /[\u0080-\uffff]/.test(sql);
  let index = 0;
  let done = -1;
  for (const token of all) {
    if (token.kind === 'comment') {
      // Between the parts of one value it has gone with the value.
      if (token.start >= done) put(token.start, token.end, emptied(sql, token));
      continue;
    }
    const at = index;
    index += 1;
    if (token.start < done) continue;
    const last = lastOf(sql, tokens, at);
    const address =
      token.kind === 'word' && (last !== token || (foreign && oddWord.test(texts[at] ?? '')));
    let mark = "'";
    if (address) mark = '"';
    else if (token.kind === 'name' && !settings.has(token)) {
      if (names.has(token)) continue;
      mark = '"';
    } else if (!isLiteral(sql, token) && !settings.has(token)) continue;
    // Of what is cut the value is not known.
    const value = () =>
      address
        ? sql.slice(token.start, last.end)
        : literalValue(sql, token, escapeOf(sql, tokens, at));
    // `N'…'` is of another type than `'…'`, so its letter stays.
    const from = token.kind === 'string' ? sql.indexOf("'", token.start) : token.start;
    put(from, last.end, `${mark}${last === cut ? '[cut]' : tokenOf(value())}${mark}`);
    done = last.end;
  }
  return edits;
}

/** In lower case, of words and symbols; '' of what else there is. */
function textOf(sql: string, token: SqlToken | undefined): string {
  if (token?.kind === 'symbol') return sql[token.start] ?? '';
  return token?.kind === 'word' ? sql.slice(token.start, token.end).toLowerCase() : '';
}

function isLiteral(sql: string, token: SqlToken): boolean {
  if (token.kind === 'param') return Number(sql.slice(token.start + 1, token.end)) > mostParameters;
  return token.kind !== 'word' && token.kind !== 'name' && token.kind !== 'symbol';
}

/** The comment without what it says. */
function emptied(sql: string, token: SqlToken): string {
  if (sql.startsWith('--', token.start)) return '--';
  return token.closed ? '/* */' : '/* [cut]';
}

/** The last piece of the value that begins at `at`: most have one. */
function lastOf(sql: string, tokens: readonly SqlToken[], at: number): SqlToken {
  const token = tokens[at] as SqlToken;
  if (hasUescape(sql, tokens, at)) return tokens[at + 2] as SqlToken;
  return token.kind === 'word' ? addressEnd(sql, tokens, at) : token;
}

/** `U&'d!0061t' UESCAPE '!'`: three pieces, one value. */
function hasUescape(sql: string, tokens: readonly SqlToken[], at: number): boolean {
  const token = tokens[at];
  if (token?.kind !== 'unicode' && token?.kind !== 'name') return false;
  return textOf(sql, tokens[at + 1]) === 'uescape' && tokens[at + 2]?.kind === 'string';
}

function escapeOf(sql: string, tokens: readonly SqlToken[], at: number): string | undefined {
  const mark = tokens[at + 2];
  return hasUescape(sql, tokens, at) && mark !== undefined ? literalValue(sql, mark) : undefined;
}

/**
 * `joe@example.com` without quotes is SQL: two names and an operator that nobody has. The last piece
 * of an address that begins with the word at `at`; that word where it begins none.
 */
function addressEnd(sql: string, tokens: readonly SqlToken[], at: number): SqlToken {
  const first = tokens[at] as SqlToken;
  let last = first;
  let signs = 0;
  for (let next = at + 1; next < tokens.length; next += 1) {
    const token = tokens[next] as SqlToken;
    if (token.start !== last.end) break;
    const sign = token.kind === 'symbol' ? (sql[token.start] ?? '') : '';
    if (token.kind === 'symbol' ? !'.@-+'.includes(sign) : !inAddress.has(token.kind)) break;
    if (sign === '@') signs += 1;
    last = token;
  }
  const ends = last.kind !== 'symbol' && signs === 1;
  return ends ? last : first;
}

/** To Postgres all beyond ASCII are letters, even the quotes that a word processor makes: `‘Joe’`. */
const oddWord = /[^\p{L}\p{M}\p{N}_$]/u;

const inAddress: ReadonlySet<SqlToken['kind']> = new Set(['word', 'number']);
