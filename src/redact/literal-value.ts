import { continuedAt, type SqlToken } from './sql-tokens.ts';

/**
 * The value that a literal, or a name that stands for one, has, as Postgres itself would print it: `'a'`, `E'\x61'`, `U&'\0061'`
 * and `$$a$$` are all `a`; `42`, `042`, `4_2` and `0x2a` all `42`. Only what is written as a number is
 * put into that form: the text `'042'` is another value than 42, e.g. a postcode.
 *
 * `uescape` is the escape character of a `U&'…'` or `U&"…"`, where the statement names one.
 */
export function literalValue(sql: string, token: SqlToken, uescape = '\\'): string {
  const text = sql.slice(token.start, token.end);
  switch (token.kind) {
    case 'number':
      return canonicalNumber(text);
    case 'bits':
      return bits(text[0] ?? '', segments(sql, token));
    case 'dollar': {
      const tag = text.indexOf('$', 1) + 1;
      return text.slice(tag, -tag);
    }
    case 'name': {
      const name = text.slice(text.indexOf('"') + 1, -1).replaceAll('""', '"');
      return text.startsWith('"') ? name : unescapeUnicode(name, uescape);
    }
    case 'word':
      return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
    case 'param':
      return text.slice(1);
    case 'escape':
      return withoutEscapes(segments(sql, token));
    case 'unicode':
      return unescapeUnicode(segments(sql, token).replaceAll("''", "'"), uescape);
    default:
      return segments(sql, token).replaceAll("''", "'");
  }
}

/** What stands between the quotes, as written, the parts on the lines below joined to it. */
function segments(sql: string, token: SqlToken): string {
  let open = sql.indexOf("'", token.start);
  // Most literals have two quotes.
  if (sql.indexOf("'", open + 1) === token.end - 1) return sql.slice(open + 1, token.end - 1);
  let text = '';
  for (;;) {
    const close = segmentEnd(sql, open + 1, token);
    text += sql.slice(open + 1, close);
    if (close + 1 >= token.end) return text;
    const next = continuedAt(sql, close + 1);
    if (next === undefined) return text;
    open = next;
  }
}

function segmentEnd(sql: string, from: number, token: SqlToken): number {
  for (let at = from; at < token.end; at += 1) {
    if (sql[at] === '\\' && token.kind === 'escape') at += 1;
    else if (sql[at] === "'") {
      if (sql[at + 1] !== "'" || token.kind === 'bits') return at;
      at += 1;
    }
  }
  return token.end;
}

const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const escapeCode =
  /''|\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g;

/** `\x` and octal escapes name bytes of UTF-8, of which several may make one character. */
function withoutEscapes(written: string): string {
  const parts: Buffer[] = [];
  let text = '';
  let at = 0;
  for (const match of written.matchAll(escapeCode)) {
    const [all, octal, hex, short, long, other] = match;
    text += written.slice(at, match.index);
    at = match.index + all.length;
    const byte = octal !== undefined ? parseInt(octal, 8) & 0xff : hex && parseInt(hex, 16);
    if (typeof byte === 'number') {
      parts.push(Buffer.from(text, 'utf8'), Buffer.of(byte));
      text = '';
    } else if (short !== undefined) text += String.fromCharCode(parseInt(short, 16));
    else if (long !== undefined) text += character(parseInt(long, 16), all);
    else if (other !== undefined) text += escapes[other] ?? other;
    else text += "'";
  }
  text += written.slice(at);
  if (parts.length === 0) return text;
  return Buffer.concat([...parts, Buffer.from(text, 'utf8')]).toString('utf8');
}

function unescapeUnicode(text: string, uescape: string): string {
  const mark = uescape.replace(/[\\^$.*+?()[\]{}|\-/]/g, '\\$&');
  const code = new RegExp(`${mark}(?:([0-9a-fA-F]{4})|\\+([0-9a-fA-F]{6})|${mark})`, 'g');
  return text.replace(code, (all, short?: string, long?: string) => {
    if (short !== undefined) return String.fromCharCode(parseInt(short, 16));
    return long === undefined ? uescape : character(parseInt(long, 16), all);
  });
}

function character(code: number, written: string): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : written;
}

/** A bit string by its bits: `X'1f'` is `B'00011111'`, and the server prints both so. */
function bits(prefix: string, digits: string): string {
  if (prefix.toLowerCase() === 'b' || !/^[0-9a-fA-F]*$/.test(digits)) return digits;
  return digits.replace(/./g, (digit) => parseInt(digit, 16).toString(2).padStart(4, '0'));
}

/** Beyond this a number is taken as written: no value has so many digits, and work has to end. */
const longestNumber = 1_000;

/** As Postgres prints the number: `.5` is 0.5, `1.50e1` is 15.0, `0x1F` is 31; the scale is kept. */
function canonicalNumber(written: string): string {
  if (/^[1-9]\d{0,15}$/.test(written)) return written;
  const text = written.toLowerCase();
  if (text.length > longestNumber) return text;
  const plain = text.replaceAll('_', '');
  if (/^0(?:x[0-9a-f]+|o[0-7]+|b[01]+)$/.test(plain)) return BigInt(plain).toString();
  const match = /^(\d*)(?:\.(\d*))?(?:e([-+]?\d+))?$/.exec(plain);
  if (match === null) return text;
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const power = Number(exponent);
  if (Math.abs(power) > longestNumber) return text;
  const scale = Math.max(0, fraction.length - power);
  const padded = `${whole}${fraction}${'0'.repeat(Math.max(0, power - fraction.length))}`;
  const digits = padded.padStart(scale + 1, '0');
  const integer = digits.slice(0, digits.length - scale).replace(/^0+(?=\d)/, '');
  return scale === 0 ? integer : `${integer}.${digits.slice(digits.length - scale)}`;
}

/** What a text would be as a number of SQL: `undefined` where it is none, or already in that form. */
export function asNumber(text: string): string | undefined {
  if (!/^(?:\d|\.\d)[\w.]*(?:[eE][-+]\d+)?$/.test(text)) return undefined;
  const canonical = canonicalNumber(text);
  return canonical === text ? undefined : canonical;
}
