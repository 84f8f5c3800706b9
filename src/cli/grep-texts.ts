import type { AppConfig } from '../config/config.ts';
import { searchTexts } from '../redact/search-texts.ts';
import type { Cli } from './context.ts';
import { tokensOf } from './redaction-key.ts';

/**
 * What to look for in the archive of `app` for a text: itself, and, where values are redacted, the token
 * that stands for it. Without the key only names and what came before redaction can be found: `note` says so.
 */
export function grepTexts(
  text: string,
  app: Pick<AppConfig, 'name' | 'redactKeyEnv'>,
  env: Cli['env'],
): { readonly texts: readonly string[]; readonly note?: string } {
  const { name, redactKeyEnv } = app;
  if (redactKeyEnv !== undefined && (env[redactKeyEnv] ?? '').trim() === '') {
    return {
      texts: [text],
      note: `note the values of ${name} are stored as tokens, and ${redactKeyEnv} is not set here: only names and plain text are looked for.`,
    };
  }
  const tokens = tokensOf(app, env);
  if (tokens === undefined) return { texts: [text] };
  return {
    texts: searchTexts(tokens, text),
    note: `note the values of ${name} are stored as tokens: a value is found as a whole, not by a part of it.`,
  };
}
