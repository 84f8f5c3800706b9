import type { Config, DrainConfig } from '../config/config.ts';
import { PgwitnessError } from '../error.ts';
import type { Drain } from '../receive/access-list.ts';
import type { Redactor } from '../redact/redactor.ts';
import type { Cli } from './context.ts';

interface Owner {
  readonly kind: 'app' | 'space';
  readonly name: string;
  readonly prefix: string;
  readonly drain: DrainConfig;
  readonly redactKeyEnv?: string;
}

/** Whoever posts: apps with a drain of their own, and spaces. */
function ownersOf({ apps, spaces }: Config): Owner[] {
  return [
    ...apps.flatMap((app): Owner[] =>
      app.drain === undefined ? [] : [{ ...app, drain: app.drain, kind: 'app' }],
    ),
    ...spaces.map((space): Owner => ({ ...space, kind: 'space' })),
  ];
}

/**
 * The drains that `config` describes, each with its password and, during a rotation, the one before.
 * Throws `receive.no-secret`, exit 2, naming every variable that is missing.
 */
export function drainsOf(config: Config, env: Cli['env']): Drain[] {
  const owners = ownersOf(config);
  const missing = owners.filter(({ drain }) => isBlank(env[drain.secretEnv]));
  if (missing.length > 0) {
    const names = [...new Set(missing.map(({ drain }) => drain.secretEnv))];
    const list = missing
      .map(({ drain, kind, name }) => `${drain.secretEnv} (drain of ${showOwner(kind, name)})`)
      .join(', ');
    throw new PgwitnessError({
      code: 'receive.no-secret',
      message: `The receiver has no password for its drains; not set or empty: ${list}.`,
      fix: `Set ${names.join(' and ')} to the password part of the drain URL, a long random value, and run again; \`pgwitness secret new\` makes one.`,
      exit: 2,
    });
  }
  return owners.map(({ name, prefix, drain }) => {
    const old = drain.oldSecretEnv === undefined ? undefined : env[drain.oldSecretEnv];
    const present = env[drain.secretEnv] ?? '';
    return {
      app: name,
      prefix,
      user: drain.user,
      secrets: old === undefined || isBlank(old) || old === present ? [present] : [present, old],
      tokens: drain.tokens,
    };
  });
}

/**
 * A redactor for each prefix whose frames are stored without personal data. Throws
 * `receive.no-redaction-key`, exit 2, naming every variable that is missing: without its key the receiver
 * must not run at all. And what `createRedactor` throws.
 */
export async function redactorsOf(
  config: Config,
  env: Cli['env'],
): Promise<ReadonlyMap<string, Redactor>> {
  const keyed = ownersOf(config).flatMap(({ redactKeyEnv, ...owner }) =>
    redactKeyEnv === undefined ? [] : [{ ...owner, redactKeyEnv }],
  );
  if (keyed.length === 0) return new Map();
  const missing = keyed.filter(({ redactKeyEnv }) => isBlank(env[redactKeyEnv]));
  if (missing.length > 0) {
    const list = missing
      .map(({ redactKeyEnv, kind, name }) => `${redactKeyEnv} (of ${showOwner(kind, name)})`)
      .join(', ');
    throw new PgwitnessError({
      code: 'receive.no-redaction-key',
      message: `The receiver has no key to redact with; not set or empty: ${list}.`,
      fix: 'Set it; `pgwitness secret new --for redaction` makes one, once: a new key would not find what the one before made.',
      exit: 2,
    });
  }
  const { createRedactor } = await import('../redact/redactor.ts');
  const byKey = new Map<string, Redactor>();
  const redactors = new Map<string, Redactor>();
  for (const { prefix, redactKeyEnv } of keyed) {
    const redactor = byKey.get(redactKeyEnv) ?? (await createRedactor(env[redactKeyEnv] ?? ''));
    byKey.set(redactKeyEnv, redactor);
    redactors.set(prefix, redactor);
  }
  return redactors;
}

function showOwner(kind: Owner['kind'], name: string): string {
  return kind === 'space' ? `the space ${name}` : name;
}

function isBlank(value: string | undefined): boolean {
  return value === undefined || value.trim() === '';
}
