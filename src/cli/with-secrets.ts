import type { Config } from '../config/config.ts';
import type { Cli } from './context.ts';

/**
 * `cli` with an environment in which the variables of `secrets.file` stand where it lacks them; one that is
 * set to nothing counts as lacking. The only place where the two meet: a verb that reads a secret calls it
 * once it has the configuration. Throws as `readSecrets` does, exit 2.
 */
export async function withSecrets<C extends Pick<Cli, 'env'>>(
  cli: C,
  { secretsFile }: Pick<Config, 'secretsFile'>,
): Promise<C> {
  if (secretsFile === undefined) return cli;
  const { readSecrets } = await import('../config/secrets-file.ts');
  const secrets = await readSecrets(secretsFile);
  const lacking = [...secrets].filter(([name]) => (cli.env[name] ?? '').trim() === '');
  return { ...cli, env: { ...cli.env, ...Object.fromEntries(lacking) } };
}
