import { redactFrame } from './redact-frame.ts';
import { loadSqlScanner } from './redact-sql.ts';
import { redactedBytes } from './redacted-bytes.ts';
import { createTokens, type Tokens } from './token.ts';
import { isValueToken } from './value-token.ts';

/** Takes the personal data out of frames. */
export interface Redactor extends Tokens {
  /**
   * A frame's plain body with its values replaced: the same lines and faults in the same order, as
   * `parseFrame` reads them, with the same headers. The same bytes give the same bytes; a statement that
   * was redacted once stays as it is, but where a token stands for a number that the grammar asks for. Never rejects: what can't be understood is replaced by how many bytes it had.
   */
  redact(body: Uint8Array): Promise<Uint8Array>;
  /** Stands for a body of so many bytes that can't be read at all: to `parseFrame` one fault. */
  placeholder(bytes: number): Uint8Array;
}

/** Loads the grammar, which takes about 100 ms of CPU, and sets a flag of V8: see `loadSqlGrammar`. A key of fewer than 32 characters is refused: `redact.weak-key`. */
export async function createRedactor(key: string): Promise<Redactor> {
  const tokens = createTokens(key);
  const sql = await loadSqlScanner();
  const placeholder = (bytes: number) => Buffer.from(`${redactedBytes(bytes)}\n`, 'latin1');
  return {
    ...tokens,
    placeholder,
    redact: async (body) => {
      try {
        return await redactFrame(body, { sql, tokenOf: remembering(tokens) });
      } catch {
        // A fault in here must neither let a value through nor cost the frame.
        return placeholder(body.length);
      }
    },
  };
}

/** Values kept with their tokens; a frame repeats most of them, in STATEMENT, DETAIL and AUDIT. */
const mostRemembered = 4_096;
const longestRemembered = 256;

/** Tokens for one frame: its values are in memory no longer than it is. */
function remembering(tokens: Tokens): (value: string) => string {
  const known = new Map<string, string>();
  return (value) => {
    if (isValueToken(value)) return value;
    const before = known.get(value);
    if (before !== undefined) return before;
    const token = tokens.token(value);
    if (known.size < mostRemembered && value.length <= longestRemembered) known.set(value, token);
    return token;
  };
}
