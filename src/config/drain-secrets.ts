import { randomBytes } from 'node:crypto';
import { PgwitnessError } from '../error.ts';
import type { DrainConfig } from './config.ts';
import { changeSecrets, readSecrets } from './secrets-file.ts';

/** Where secrets are kept. */
export interface SecretStore {
  /** Absolute path of `secrets.file`. */
  readonly file: string;
  /** The environment as it came: what is set there goes before the file. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface MadeSecret {
  readonly variable: string;
  readonly secret: string;
  /** The variable in which the one before is kept; undefined where there was none. */
  readonly keptAs?: string;
}

/** 256 bits, in signs that a URL needs not encode. */
const makeSecret = () => randomBytes(32).toString('base64url');

/**
 * Makes a password for a drain. One that is there moves to `old_secret_env`, in the same step, so that at
 * no moment a drain is refused. Throws PgwitnessError, exit 2, and nothing was changed then:
 * `config.rotation-under-way`, `config.no-old-secret`, `config.secret-in-environment`, and what
 * `changeSecrets` throws.
 */
export async function makeDrainSecret(
  { secretEnv, oldSecretEnv }: DrainConfig,
  { file, env }: SecretStore,
): Promise<MadeSecret> {
  expectNotIn(env, secretEnv, file);
  if (oldSecretEnv !== undefined) expectNotIn(env, oldSecretEnv, file);
  const secret = makeSecret();
  let keptAs: string | undefined;
  await changeSecrets(file, (secrets) => {
    const present = heldBy(secrets, secretEnv);
    if (present === undefined) return new Map([[secretEnv, secret]]);
    if (oldSecretEnv === undefined) throw noOldSecret(secretEnv, file);
    if (heldBy(secrets, oldSecretEnv) !== undefined) throw underWay(oldSecretEnv, file);
    keptAs = oldSecretEnv;
    return new Map([
      [oldSecretEnv, present],
      [secretEnv, secret],
    ]);
  });
  return { variable: secretEnv, secret, ...(keptAs !== undefined && { keptAs }) };
}

/**
 * The variable that holds the password before the present one; undefined where no rotation is under way.
 * Throws as `readSecrets`, and `config.secret-in-environment` where it is not the file that holds it.
 */
export async function oldDrainSecret(
  { oldSecretEnv }: DrainConfig,
  { file, env }: SecretStore,
): Promise<string | undefined> {
  if (oldSecretEnv === undefined) return undefined;
  expectNotIn(env, oldSecretEnv, file);
  return heldBy(await readSecrets(file), oldSecretEnv) === undefined ? undefined : oldSecretEnv;
}

/**
 * Takes away the password before the present one; false where there is none. Throws
 * `config.no-secret-left`, exit 2, where it is the only one, and what `changeSecrets` throws.
 */
export async function retireDrainSecret(
  drain: DrainConfig,
  { file, env }: SecretStore,
): Promise<boolean> {
  const { secretEnv, oldSecretEnv } = drain;
  if (oldSecretEnv === undefined) return false;
  expectNotIn(env, oldSecretEnv, file);
  let retired = false;
  await changeSecrets(file, (secrets) => {
    if (heldBy(secrets, oldSecretEnv) === undefined) return new Map();
    if (heldBy(secrets, secretEnv) === undefined && isBlank(env[secretEnv])) {
      throw new PgwitnessError({
        code: 'config.no-secret-left',
        message: `${oldSecretEnv} in ${file} is the drain's only password: ${secretEnv} is set nowhere.`,
        fix: 'Run `pgwitness secret new` first, and move the drains to the new password.',
        exit: 2,
      });
    }
    retired = true;
    return new Map([[oldSecretEnv, undefined]]);
  });
  return retired;
}

/**
 * Makes a redaction key. One that is there is replaced only where `replaces` says so, and is kept under a
 * name of its own: values that were stored with it are found with no other. Throws `config.key-in-use`,
 * exit 2, and as `makeDrainSecret`.
 */
export async function makeRedactionKey(
  keyEnv: string,
  { file, env }: SecretStore,
  given: { readonly replaces: boolean; readonly nowMs: number },
): Promise<MadeSecret> {
  expectNotIn(env, keyEnv, file);
  const secret = makeSecret();
  let keptAs: string | undefined;
  await changeSecrets(file, (secrets) => {
    const present = heldBy(secrets, keyEnv);
    if (present === undefined) return new Map([[keyEnv, secret]]);
    if (!given.replaces) {
      throw new PgwitnessError({
        code: 'config.key-in-use',
        message: `${keyEnv} in ${file} holds a redaction key already; nothing was changed.`,
        fix: `Keep it: with another key the same value becomes another token, and what is stored is no longer found. If it has become known to others, give --replace-key ${keyEnv}.`,
        exit: 2,
      });
    }
    // To the second: nobody replaces a key twice in one.
    const at = new Date(given.nowMs)
      .toISOString()
      .replace(/[-:]|\.\d+/g, '')
      .replace('Z', '');
    keptAs = `${keyEnv}_UNTIL_${at}`;
    return new Map([
      [keptAs, present],
      [keyEnv, secret],
    ]);
  });
  return { variable: keyEnv, secret, ...(keptAs !== undefined && { keptAs }) };
}

/** What stands in the environment goes before the file: a change there would seem to do something. */
function expectNotIn(env: SecretStore['env'], name: string, file: string): void {
  if (isBlank(env[name])) return;
  throw new PgwitnessError({
    code: 'config.secret-in-environment',
    message: `${name} is set in the environment, which goes before ${file}; nothing was changed.`,
    fix: `Unset it here, with the secret in the file instead (${name}='…'); or change it where the environment comes from.`,
    exit: 2,
  });
}

function noOldSecret(secretEnv: string, file: string): PgwitnessError {
  return new PgwitnessError({
    code: 'config.no-old-secret',
    message: `${secretEnv} in ${file} holds the drain's password, and the drain has no \`old_secret_env\` to keep it in while drains move to a new one.`,
    fix: `Add \`old_secret_env: ${secretEnv}_OLD\` beside \`secret_env\`, and run this again.`,
    exit: 2,
  });
}

function underWay(oldSecretEnv: string, file: string): PgwitnessError {
  return new PgwitnessError({
    code: 'config.rotation-under-way',
    message: `A rotation is under way: ${oldSecretEnv} in ${file} still holds the password before the present one.`,
    fix: 'Move every drain to the present one and run `pgwitness secret retire`; then make a new one.',
    exit: 2,
  });
}

function heldBy(secrets: ReadonlyMap<string, string>, name: string): string | undefined {
  const value = secrets.get(name);
  return isBlank(value) ? undefined : value;
}

function isBlank(value: string | undefined): boolean {
  return value === undefined || value.trim() === '';
}
