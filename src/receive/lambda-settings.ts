import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { PgwitnessError } from '../error.ts';
import type { Drain } from './access-list.ts';

/** The variable that holds them. */
export const settingsVariable = 'PGWITNESS_RECEIVER';

/**
 * What the function is told by its environment: JSON that `pgwitness lambda config` makes of
 * pgwitness.yaml. It names the variables that hold secrets, and holds none.
 */
export interface LambdaSettings {
  readonly version: 1;
  readonly bucket: string;
  /** The function's own where absent. */
  readonly region?: string;
  readonly endpoint?: string;
  readonly allowHttp?: boolean;
  readonly pathStyle?: boolean;
  readonly encryption: 'AES256' | 'aws:kms' | 'none';
  readonly kmsKeyId?: string;
  readonly storageClass?: string;
  readonly drains: readonly LambdaDrain[];
}

export interface LambdaDrain {
  readonly app: string;
  readonly prefix: string;
  readonly user: string;
  readonly secretEnv: string;
  readonly oldSecretEnv?: string;
  readonly tokens: readonly string[];
  /** Holds the key with which this app's frames are redacted. */
  readonly redactKeyEnv?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The settings of `env`: JSON, or `@` and the path of a file with it, relative to `folder`. Throws
 * PgwitnessError, exit 2: `receive.no-settings` where there are none, `receive.bad-settings` with every
 * problem at once.
 */
export function readLambdaSettings(env: Environment, folder: string): LambdaSettings {
  const given = (env[settingsVariable] ?? '').trim();
  if (given === '') {
    throw new PgwitnessError({
      code: 'receive.no-settings',
      message: `${settingsVariable} is not set, so the function knows neither its bucket nor its drains.`,
      fix: 'Set it to what `pgwitness lambda config` prints.',
      exit: 2,
    });
  }
  const file = given.startsWith('@') ? resolve(folder, given.slice(1)) : undefined;
  const place = file ?? settingsVariable;
  const problems: string[] = [];
  const settings = checked(parsed(file === undefined ? given : contentOf(file), place), problems);
  if (problems.length > 0) throw badSettings(place, problems.join('; '));
  return settings;
}

/**
 * The drains with the passwords of `env`, and the keys of those that are redacted, by prefix. Throws
 * `receive.no-secret`, exit 2, naming every variable that is missing.
 */
export function readLambdaSecrets(
  settings: LambdaSettings,
  env: Environment,
): { readonly drains: readonly Drain[]; readonly redactKeys: ReadonlyMap<string, string> } {
  const missing = new Set<string>();
  const secretOf = (name: string): string => {
    const value = env[name] ?? '';
    if (value.trim() === '') missing.add(name);
    return value;
  };
  const redactKeys = new Map<string, string>();
  const drains = settings.drains.map((drain): Drain => {
    const { app, prefix, user, tokens, secretEnv, oldSecretEnv, redactKeyEnv } = drain;
    if (redactKeyEnv !== undefined) redactKeys.set(prefix, secretOf(redactKeyEnv));
    const present = secretOf(secretEnv);
    // A rotation ends with the old one's variable taken away: that it is missing is no fault.
    const old = oldSecretEnv === undefined ? '' : (env[oldSecretEnv] ?? '');
    const rotates = old.trim() !== '' && old !== present;
    return { app, prefix, user, tokens, secrets: rotates ? [present, old] : [present] };
  });
  if (missing.size === 0) return { drains, redactKeys };
  const names = [...missing].join(', ');
  throw new PgwitnessError({
    code: 'receive.no-secret',
    message: `The function lacks secrets that ${settingsVariable} names; not set or empty: ${names}.`,
    fix: `Set ${names} in the function's environment.`,
    exit: 2,
  });
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new PgwitnessError({
      code: 'receive.no-settings',
      message: `${settingsVariable} names ${file}, which can't be read (${(cause as NodeJS.ErrnoException).code}).`,
      fix: 'Put the file into the zip, or into a layer and give its whole path.',
      exit: 2,
      cause,
    });
  }
}

function parsed(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badSettings(place, 'it is no JSON');
  }
}

function badSettings(place: string, what: string): PgwitnessError {
  return new PgwitnessError({
    code: 'receive.bad-settings',
    message: `The receiver's settings in ${place} can't be used: ${what}.`,
    fix: 'Set them to what `pgwitness lambda config` prints, with the same release of pgwitness.',
    exit: 2,
  });
}

const encryptions = ['AES256', 'aws:kms', 'none'] as const;

/** Adds to `problems` what is wrong; only where nothing was is the result to be trusted. */
function checked(json: unknown, problems: string[]): LambdaSettings {
  const root = reader(json, '', problems);
  if (root.raw('version') !== 1) problems.push('version is not 1');
  const encryption = encryptions.find((each) => each === root.raw('encryption'));
  if (encryption === undefined) problems.push(`encryption is none of ${encryptions.join(', ')}`);
  const list = root.raw('drains');
  if (!Array.isArray(list) || list.length === 0) problems.push('drains is no list with an entry');
  return {
    version: 1,
    bucket: root.text('bucket'),
    encryption: encryption ?? 'AES256',
    ...root.optional('region'),
    ...root.optional('endpoint'),
    ...root.optional('kmsKeyId'),
    ...root.optional('storageClass'),
    ...root.flag('allowHttp'),
    ...root.flag('pathStyle'),
    drains: Array.isArray(list) ? list.map((entry, index) => drainOf(entry, index, problems)) : [],
  };
}

function drainOf(json: unknown, index: number, problems: string[]): LambdaDrain {
  const drain = reader(json, `drains[${index}].`, problems);
  const tokens = drain.raw('tokens');
  const known = Array.isArray(tokens) && tokens.every((token) => typeof token === 'string');
  if (!known) problems.push(`drains[${index}].tokens is no list of texts`);
  return {
    app: drain.text('app'),
    prefix: drain.text('prefix'),
    user: drain.text('user'),
    secretEnv: drain.text('secretEnv'),
    ...drain.optional('oldSecretEnv'),
    ...drain.optional('redactKeyEnv'),
    tokens: known ? (tokens as string[]) : [],
  };
}

/** Reads members of an object; a value is never quoted in a problem. */
function reader(json: unknown, place: string, problems: string[]) {
  const object = typeof json === 'object' && json !== null ? json : undefined;
  if (object === undefined) problems.push(`${place.slice(0, -1) || 'it'} is no object`);
  const raw = (name: string): unknown =>
    object !== undefined && Object.hasOwn(object, name)
      ? (object as Readonly<Record<string, unknown>>)[name]
      : undefined;
  const text = (name: string): string => {
    const value = raw(name);
    if (typeof value === 'string' && value !== '') return value;
    problems.push(`${place}${name} is no text`);
    return '';
  };
  return {
    raw,
    text,
    optional: <const N extends string>(name: N): { [K in N]?: string } =>
      raw(name) === undefined ? {} : ({ [name]: text(name) } as { [K in N]: string }),
    flag<const N extends string>(name: N): { [K in N]?: boolean } {
      const value = raw(name);
      if (value === undefined) return {};
      if (typeof value !== 'boolean') problems.push(`${place}${name} is neither true nor false`);
      return { [name]: value === true } as { [K in N]: boolean };
    },
  };
}
