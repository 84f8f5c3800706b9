/**
 * What a piece of SQL is, as Postgres's scanner tells it (src/backend/parser/scan.l):
 *
 * - `word`: a keyword or an identifier without quotes; `name`: one in double quotes, `U&"…"` too
 * - `string`: `'…'` and `N'…'`; `escape`: `E'…'`; `unicode`: `U&'…'`; `dollar`: `$tag$…$tag$`;
 *   `bits`: `B'…'` and `X'…'`
 * - `number`, with what follows it without a blank; `param`: `$1`
 * - `comment`, of both forms; `symbol`: one character of anything else
 */
export type SqlTokenKind =
  | 'word'
  | 'name'
  | 'string'
  | 'escape'
  | 'unicode'
  | 'dollar'
  | 'bits'
  | 'number'
  | 'param'
  | 'comment'
  | 'symbol';

/** A piece of a statement, in UTF-16 units. Between the pieces stands white space alone. */
export interface SqlToken {
  readonly kind: SqlTokenKind;
  readonly start: number;
  readonly end: number;
  /** False where the text ends within it. */
  readonly closed: boolean;
  /**
   * A plain literal with a backslash that would quote the quote behind it where
   * `standard_conforming_strings` is off: where it ends can't be known from the text.
   */
  readonly doubtful?: true;
}

const backslash = 0x5c;
const quote = 0x27;
const doubleQuote = 0x22;
const dollar = 0x24;
const dash = 0x2d;
const slash = 0x2f;
const star = 0x2a;
const dot = 0x2e;
const ampersand = 0x26;

const isDigit = (code: number) => code >= 0x30 && code <= 0x39;
/** Every byte above ASCII is a letter to Postgres, so every unit above it is one here. */
const beginsWord = (code: number) =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f || code >= 0x80;
const inTag = (code: number) => beginsWord(code) || isDigit(code);
const inWord = (code: number) => inTag(code) || code === dollar;
const isNewline = (code: number) => code === 0x0a || code === 0x0d;
const isSpace = (code: number) => code === 0x20 || (code >= 0x09 && code <= 0x0d);

/**
 * Splits SQL, whole or cut, into its pieces, the first `most` of them. Never throws, and up to there
 * leaves no character out.
 */
export function readSqlTokens(sql: string, most = Number.POSITIVE_INFINITY): SqlToken[] {
  const tokens: SqlToken[] = [];
  let at = 0;
  while (at < sql.length && tokens.length < most) {
    if (isSpace(sql.charCodeAt(at))) {
      at += 1;
      continue;
    }
    const token = readToken(sql, at);
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

function readToken(sql: string, start: number): SqlToken {
  const code = sql.charCodeAt(start);
  const next = sql.charCodeAt(start + 1);
  if (code === quote) return quoted(sql, 'string', start, start);
  if (beginsWord(code)) {
    if (next === quote) {
      const kind = prefixed(sql[start]);
      if (kind !== undefined) return quoted(sql, kind, start, start + 1);
    }
    if (next === ampersand && (code | 0x20) === 0x75) {
      const mark = sql.charCodeAt(start + 2);
      if (mark === quote) return quoted(sql, 'unicode', start, start + 2);
      if (mark === doubleQuote) return name(sql, start, start + 2);
    }
    return { kind: 'word', start, end: skip(sql, start + 1, inWord), closed: true };
  }
  if (code === doubleQuote) return name(sql, start, start);
  if (isDigit(code) || (code === dot && isDigit(next))) {
    return { kind: 'number', start, end: numberEnd(sql, start), closed: true };
  }
  if (code === dollar) return parameterOrDollar(sql, start);
  if (code === dash && next === dash) {
    const end = skip(sql, start + 2, (each) => !isNewline(each));
    return { kind: 'comment', start, end, closed: true };
  }
  if (code === slash && next === star) return blockComment(sql, start);
  // `1..3` in PL/pgSQL is a span: the second dot begins no number.
  const length = code === dot && next === dot ? 2 : 1;
  return { kind: 'symbol', start, end: start + length, closed: true };
}

function prefixed(letter: string | undefined): SqlTokenKind | undefined {
  switch (letter) {
    case 'e':
    case 'E':
      return 'escape';
    case 'b':
    case 'B':
    case 'x':
    case 'X':
      return 'bits';
    case 'n':
    case 'N':
      return 'string';
    default:
      return undefined;
  }
}

function skip(sql: string, from: number, through: (code: number) => boolean): number {
  let at = from;
  while (at < sql.length && through(sql.charCodeAt(at))) at += 1;
  return at;
}

/** A literal in single quotes, with all the parts that go on on lines below. `open` is its first quote. */
function quoted(sql: string, kind: SqlTokenKind, start: number, open: number): SqlToken {
  let at = open + 1;
  let doubtful = false;
  for (;;) {
    const end = kind === 'escape' ? escapedEnd(sql, at) : sql.indexOf("'", at);
    if (end === -1) return { kind, start, end: sql.length, closed: false };
    if (kind === 'string' && oddBackslashes(sql, at, end)) doubtful = true;
    if (sql.charCodeAt(end + 1) === quote && kind !== 'bits') {
      at = end + 2;
      continue;
    }
    const more = continuedAt(sql, end + 1);
    if (more === undefined) {
      return { kind, start, end: end + 1, closed: true, ...(doubtful ? { doubtful } : {}) };
    }
    at = more + 1;
  }
}

/** The next quote of an `E'…'` that no backslash quotes, or -1. */
function escapedEnd(sql: string, from: number): number {
  for (let at = from; at < sql.length; at += 1) {
    const code = sql.charCodeAt(at);
    if (code === quote) return at;
    if (code === backslash) at += 1;
  }
  return -1;
}

/** Two backslashes stand for one or for two, and leave the quote alone either way. */
function oddBackslashes(sql: string, from: number, end: number): boolean {
  let at = end;
  while (at > from && sql.charCodeAt(at - 1) === backslash) at -= 1;
  return (end - at) % 2 === 1;
}

/**
 * Where a literal that was closed right before `from` goes on: the quote after white space, or `--`
 * comments, with a newline among it. Undefined where it does not.
 */
export function continuedAt(sql: string, from: number): number | undefined {
  let newline = false;
  let at = from;
  for (; at < sql.length; at += 1) {
    const code = sql.charCodeAt(at);
    if (isNewline(code)) newline = true;
    else if (code === dash && sql.charCodeAt(at + 1) === dash) {
      at = skip(sql, at + 2, (each) => !isNewline(each)) - 1;
    } else if (!isSpace(code)) return newline && code === quote ? at : undefined;
  }
  return undefined;
}

/** An identifier in double quotes; `open` is its first one. */
function name(sql: string, start: number, open: number): SqlToken {
  let end = sql.indexOf('"', open + 1);
  while (end !== -1 && sql.charCodeAt(end + 1) === doubleQuote) end = sql.indexOf('"', end + 2);
  const closed = end !== -1;
  return { kind: 'name', start, end: closed ? end + 1 : sql.length, closed };
}

const number =
  /(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*(?:\.(?!\.)(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][-+]?\d(?:_?\d)*)?)/y;

/** What runs on without a blank (`1a`, refused since 15, a name of its own before) goes with the number. */
function numberEnd(sql: string, start: number): number {
  number.lastIndex = start;
  number.test(sql);
  const end = Math.max(number.lastIndex, start + 1);
  // A dollar here begins a parameter or a literal.
  return beginsWord(sql.charCodeAt(end)) ? skip(sql, end, inWord) : end;
}

function parameterOrDollar(sql: string, start: number): SqlToken {
  const next = sql.charCodeAt(start + 1);
  if (isDigit(next)) {
    return { kind: 'param', start, end: skip(sql, start + 2, isDigit), closed: true };
  }
  const tagEnd = beginsWord(next) ? skip(sql, start + 2, inTag) : start + 1;
  if (sql.charCodeAt(tagEnd) !== dollar) {
    // A tag that the text ends in may become one.
    const cut = tagEnd === sql.length;
    return { kind: cut ? 'dollar' : 'symbol', start, end: cut ? tagEnd : start + 1, closed: !cut };
  }
  const tag = sql.slice(start, tagEnd + 1);
  const end = sql.indexOf(tag, tagEnd + 1);
  const closed = end !== -1;
  return { kind: 'dollar', start, end: closed ? end + tag.length : sql.length, closed };
}

/** A comment in slash and star, which may hold others. */
function blockComment(sql: string, start: number): SqlToken {
  let depth = 1;
  let at = start + 2;
  while (at < sql.length) {
    const code = sql.charCodeAt(at);
    const next = sql.charCodeAt(at + 1);
    if (code === star && next === slash) {
      depth -= 1;
      at += 2;
      if (depth === 0) return { kind: 'comment', start, end: at, closed: true };
    } else if (code === slash && next === star) {
      depth += 1;
      at += 2;
    } else at += 1;
  }
  return { kind: 'comment', start, end: sql.length, closed: false };
}
