import type { Config } from '../config/config.ts';
import { PgwitnessError } from '../error.ts';
import { type LambdaSettings, settingsVariable } from '../receive/lambda-settings.ts';
import type { Cli } from './context.ts';

/** A variable that the function needs beside its settings. */
export interface LambdaSecret {
  readonly name: string;
  /** Continues "NAME holds …". */
  readonly holds: string;
}

/** What a function is set up with, as a configuration has it. */
export interface LambdaSetup {
  readonly settings: LambdaSettings;
  /** Each once. */
  readonly secrets: readonly LambdaSecret[];
  /** Spaces, each with the reason that Lambda can't take its frames. */
  readonly leftOut: readonly { readonly space: string; readonly why: string }[];
}

const spaceReason =
  'its bodies of up to 5 MB do not fit the 6 MB that an event of Lambda has, where they stand in base64; `pgwitness receive` takes them';

/**
 * The setup of a function that takes the frames of `config`. Throws PgwitnessError, exit 2: `cli.lambda-needs-s3` where
 * objects go to a folder, `cli.lambda-no-drains` where no drain is left.
 */
export function lambdaSetup({ archive, apps, spaces }: Config): LambdaSetup {
  if (archive.kind !== 's3') {
    throw new PgwitnessError({
      code: 'cli.lambda-needs-s3',
      message:
        'The configuration keeps objects in a folder, and a function on Lambda has none that lasts.',
      fix: 'Name a bucket under archive.s3.',
      exit: 2,
    });
  }
  const drains = apps.flatMap(({ name, prefix, drain, redactKeyEnv }) =>
    drain === undefined
      ? []
      : [{ app: name, prefix, ...drain, ...(redactKeyEnv !== undefined && { redactKeyEnv }) }],
  );
  if (drains.length === 0) {
    throw new PgwitnessError({
      code: 'cli.lambda-no-drains',
      message: `No app of the configuration has a drain of its own that Lambda could take: ${spaces.length === 1 ? 'the space' : 'spaces'} can’t be.`,
      fix: 'Run `pgwitness receive` on a server: Shield space logging sends more than fits an event of Lambda.',
      exit: 2,
    });
  }
  // Identities of this machine are none of the function's: it has a role.
  const { kind: _, writerProfile: _w, readerProfile: _r, ...place } = archive;
  const settings: LambdaSettings = { version: 1, ...place, drains };
  return {
    settings,
    secrets: secretsOf(drains),
    leftOut: spaces.map(({ name }) => ({ space: name, why: spaceReason })),
  };
}

function secretsOf(drains: LambdaSettings['drains']): LambdaSecret[] {
  const uses = new Map<string, { readonly what: string; readonly apps: string[] }>();
  const add = (name: string | undefined, what: string, app: string) => {
    if (name === undefined) return;
    const use = uses.get(name) ?? { what, apps: [] };
    use.apps.push(app);
    uses.set(name, use);
  };
  for (const { app, secretEnv, oldSecretEnv, redactKeyEnv } of drains) {
    add(secretEnv, 'the password of the drain of', app);
    add(oldSecretEnv, 'during a rotation, the password before it, of', app);
    add(redactKeyEnv, 'the redaction key of', app);
  }
  return [...uses].map(([name, { what, apps }]) => ({ name, holds: `${what} ${apps.join(', ')}` }));
}

/** Of all variables of a function together, names included (bytes). */
export const mostEnvironmentBytes = 4_096;
/** What `pgwitness secret new` makes. */
const secretBytes = 43;

/** Bytes of the function's variables, with `receiver` as its settings; secrets that are not set here as `secret new` makes them. */
export function environmentBytes(
  receiver: string,
  secrets: readonly LambdaSecret[],
  env: Cli['env'],
): number {
  const size = (name: string, value: string | undefined) =>
    name.length + (value ? Buffer.byteLength(value) : secretBytes);
  return secrets.reduce(
    (sum, { name }) => sum + size(name, env[name]),
    size(settingsVariable, receiver),
  );
}
