import { asNumber } from './literal-value.ts';
import type { Tokens } from './token.ts';

/**
 * What to look for in an archive that is redacted, in the place of a value: the text itself (names, and
 * what is stored from before redaction), its token, and that of the number that it is written as. Only
 * a value as a whole can be found: a token tells nothing of a part.
 */
export function searchTexts(tokens: Pick<Tokens, 'token'>, text: string): string[] {
  const number = asNumber(text);
  const negative = /^-(?=[\d.])/.test(text) ? text.slice(1) : undefined;
  return [
    text,
    tokens.token(text),
    ...(number === undefined ? [] : [tokens.token(number)]),
    // In SQL the sign stands before the number, and stays there.
    ...(negative === undefined ? [] : [`-'${tokens.token(asNumber(negative) ?? negative)}'`]),
  ];
}
