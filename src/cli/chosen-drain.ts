import type { AppConfig, Config, DrainConfig } from '../config/config.ts';
import { chooseApp } from '../config/read-config.ts';
import { PgwitnessError } from '../error.ts';

/** The drain that a verb is asked about. */
export interface ChosenDrain {
  readonly kind: 'app' | 'space';
  readonly name: string;
  readonly drain: DrainConfig;
  /** Every app and space whose drain asks for the same variable, the chosen one among them. */
  readonly sharedBy: readonly Sharer[];
}

export interface Sharer {
  readonly kind: 'app' | 'space';
  readonly name: string;
  readonly prefix: string;
  readonly drain: DrainConfig;
  /** The app's, where it ships its own log to the drain. */
  readonly ship?: AppConfig['ship'];
}

/** What `--app` and `--space` say. */
export interface DrainFlags {
  readonly app?: string;
  readonly space?: string;
}

/**
 * The drain of `--app` or `--space`, or that of the only app. Throws PgwitnessError, exit 2:
 * `cli.app-and-space`, `cli.no-such-space`, `cli.app-in-space`, and what `chooseApp` throws.
 */
export function chooseDrain(config: Config, flags: DrainFlags): ChosenDrain {
  const sharers: Sharer[] = [
    ...config.apps.flatMap(({ name, prefix, drain, ship }) =>
      drain === undefined
        ? []
        : [{ kind: 'app' as const, name, prefix, drain, ...(ship && { ship }) }],
    ),
    ...config.spaces.map(({ name, prefix, drain }) => ({
      kind: 'space' as const,
      name,
      prefix,
      drain,
    })),
  ];
  const { kind, name } = chosenName(config, flags);
  const chosen = sharers.find((sharer) => sharer.kind === kind && sharer.name === name);
  if (chosen === undefined) throw new TypeError('a drain was not checked: the chosen one has none');
  const { drain } = chosen;
  const sharedBy = sharers.filter((sharer) => sharer.drain.secretEnv === drain.secretEnv);
  return { kind, name, drain, sharedBy };
}

function chosenName(config: Config, flags: DrainFlags): { kind: 'app' | 'space'; name: string } {
  expectOne(flags);
  if (flags.space !== undefined)
    return { kind: 'space', name: chooseSpace(config, flags.space).name };
  const app = chooseApp(config, flags.app);
  if (app.space === undefined) return { kind: 'app', name: app.name };
  throw new PgwitnessError({
    code: 'cli.app-in-space',
    message: `${app.name} has no drain of its own: its lines come through that of the space ${app.space}, as those of all its apps.`,
    fix: `Give --space ${app.space} instead.`,
    exit: 2,
  });
}

/** `raxx-api-prod, raxx-api-staging`; a space as `the space raxx-shield`. */
export function showSharers({ sharedBy }: Pick<ChosenDrain, 'sharedBy'>): string {
  return sharedBy
    .map(({ kind, name }) => (kind === 'space' ? `the space ${name}` : name))
    .join(', ');
}

/** Throws `cli.app-and-space`, exit 2, where both are given. */
export function expectOne({ app, space }: DrainFlags): void {
  if (app === undefined || space === undefined) return;
  throw new PgwitnessError({
    code: 'cli.app-and-space',
    message: '--app asks for the drain of an app, and --space for that of a space.',
    fix: 'Give one of them.',
    exit: 2,
  });
}

/** Throws `cli.no-such-space`, exit 2. */
export function chooseSpace(config: Config, name: string): Config['spaces'][number] {
  const space = config.spaces.find((candidate) => candidate.name === name);
  if (space !== undefined) return space;
  const names = config.spaces.map((candidate) => candidate.name).join(', ');
  throw new PgwitnessError({
    code: 'cli.no-such-space',
    message: `There is no space ${JSON.stringify(name)} in ${config.path}.`,
    fix: names === '' ? 'It has none: give --app.' : `Its spaces are: ${names}.`,
    exit: 2,
  });
}
