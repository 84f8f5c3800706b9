import { createHmac, createSecretKey } from 'node:crypto';
import { PgwitnessError } from '../error.ts';

/** Keyed names for values: whoever lacks the key can neither make one nor try values against it. */
export interface Tokens {
  /**
   * `pgw:` and 32 hex digits of HMAC-SHA256 over the value's text as UTF-8. The same value gives the
   * same token, in every statement, frame and process that has the key.
   */
  token(value: string): string;
  /** 64 hex digits of HMAC-SHA256 over the parts, in a domain of its own; where one part ends counts. */
  digest(...parts: readonly (string | Uint8Array)[]): string;
}

/** Shorter keys could be tried out: a token of a guessable value would then tell the key. */
const fewestCharacters = 32;
/** 128 bits: no two values of an archive share a token, and it fits an identifier of 63 bytes. */
const tokenDigits = 32;
const tokenDomain = 'pgwitness redact value 1\0';
const digestDomain = 'pgwitness redact digest 1\0';

/** Tokens under a key. A key of fewer than 32 characters is refused: `redact.weak-key`, exit 2. */
export function createTokens(key: string): Tokens {
  if (key.length < fewestCharacters) {
    throw new PgwitnessError({
      code: 'redact.weak-key',
      message: `The redaction key has ${key.length} characters; it takes ${fewestCharacters} or more.`,
      fix: 'Make one with `pgwitness secret new --for redaction`, and keep it where no log and no application can read it.',
      exit: 2,
    });
  }
  const secret = createSecretKey(key, 'utf8');
  return {
    token: (value) => {
      const code = createHmac('sha256', secret).update(`${tokenDomain}${value}`, 'utf8');
      return `pgw:${code.digest('hex').slice(0, tokenDigits)}`;
    },
    digest: (...parts) => {
      const code = createHmac('sha256', secret).update(digestDomain, 'utf8');
      for (const part of parts) {
        const bytes = typeof part === 'string' ? Buffer.from(part, 'utf8') : part;
        const length = Buffer.alloc(8);
        length.writeBigUInt64BE(BigInt(bytes.length));
        code.update(length).update(bytes);
      }
      return code.digest('hex');
    },
  };
}
