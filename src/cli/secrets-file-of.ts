import type { Config } from '../config/config.ts';
import { PgwitnessError } from '../error.ts';

/** Absolute path of the file that secrets are stored in. Throws `cli.no-secrets-file`, exit 2. */
export function secretsFileOf({ path, secretsFile }: Config): string {
  if (secretsFile !== undefined) return secretsFile;
  throw new PgwitnessError({
    code: 'cli.no-secrets-file',
    message: `${path} names no file for secrets, so there is no place to store one.`,
    fix: 'Add `secrets: {file: ./pgwitness.secrets}`, and keep that file out of version control; or make secrets where your environment comes from, e.g. `openssl rand -hex 32`.',
    exit: 2,
  });
}
