import type { AppConfig, Config } from '../config/config.ts';
import { chooseApp, secretFrom } from '../config/read-config.ts';
import { PgwitnessError } from '../error.ts';
import { createTokens, type Tokens } from '../redact/token.ts';
import { chooseSpace, type DrainFlags, expectOne } from './chosen-drain.ts';
import type { Cli } from './context.ts';

/**
 * The tokens that stand in the archive for the values of `app`; undefined where its configuration doesn't
 * redact. Throws `config.no-secret` where the key is not set here, and `redact.weak-key`; exit 2.
 */
export function tokensOf(
  app: Pick<AppConfig, 'name' | 'redactKeyEnv'>,
  env: Cli['env'],
): Tokens | undefined {
  if (app.redactKeyEnv === undefined) return undefined;
  return createTokens(secretFrom(env, app.redactKeyEnv, `the redaction key of ${app.name}`));
}

/** The variable of a redaction key, and who redacts with it. */
export interface KeyUse {
  readonly variable: string;
  readonly usedBy: readonly string[];
}

/**
 * The redaction key of `--app` (that of its space, where it is in one) or `--space`. Throws
 * PgwitnessError, exit 2: `cli.no-redaction` where nothing is redacted, and as `chooseDrain`.
 */
export function keyFor(config: Config, flags: DrainFlags): KeyUse {
  expectOne(flags);
  const { name, redactKeyEnv } =
    flags.space === undefined ? chooseApp(config, flags.app) : chooseSpace(config, flags.space);
  if (redactKeyEnv === undefined) {
    throw new PgwitnessError({
      code: 'cli.no-redaction',
      message: `The configuration of ${name} has no \`redact\`: its lines are stored as they came.`,
      fix: 'Add `redact: {key_env: …}` to the app, or to the space it is in, to have tokens stored in the place of values.',
      exit: 2,
    });
  }
  const usedBy = [...config.apps, ...config.spaces]
    .filter((owner) => owner.redactKeyEnv === redactKeyEnv)
    .map((owner) => owner.name);
  return { variable: redactKeyEnv, usedBy };
}

/** The tokens under a key. Throws as `tokensOf`. */
export function needTokens({ variable, usedBy }: KeyUse, env: Cli['env']): Tokens {
  const purpose = `the redaction key of ${usedBy.join(', ')}`;
  return createTokens(secretFrom(env, variable, purpose, 'pgwitness secret new --for redaction'));
}
