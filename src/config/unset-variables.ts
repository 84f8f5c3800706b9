import type { AppConfig, Config, SpaceConfig } from './config.ts';

/** A variable that the configuration names and the environment lacks. */
export interface UnsetVariable {
  readonly variable: string;
  /** It is there, and holds nothing. */
  readonly empty: boolean;
  /** What goes without it, in words: `pgwitness ship posts to it`. */
  readonly uses: readonly string[];
}

/** The variables of `apps` and `spaces` that are not set in `env`, each once, in the order of the file. */
export function unsetVariables(
  { apps, spaces }: Pick<Config, 'apps' | 'spaces'>,
  env: Readonly<Record<string, string | undefined>>,
): readonly UnsetVariable[] {
  const uses = new Map<string, Set<string>>();
  for (const [variable, use] of [
    ...spaces.flatMap(spaceVariables),
    ...apps.flatMap(appVariables),
  ]) {
    if (variable === undefined || (env[variable] ?? '').trim() !== '') continue;
    uses.set(variable, (uses.get(variable) ?? new Set()).add(use));
  }
  return [...uses].map(([variable, of]) => ({
    variable,
    empty: env[variable] !== undefined,
    uses: [...of],
  }));
}

type Use = readonly [variable: string | undefined, use: string];

/** `old_secret_env` is none of them: outside a rotation it is not set. */
function spaceVariables({
  drain,
  redactKeyEnv,
}: Pick<SpaceConfig, 'redactKeyEnv'> & { drain?: SpaceConfig['drain'] }): Use[] {
  return [
    [drain?.secretEnv, '`pgwitness receive` asks drains for it'],
    [
      redactKeyEnv,
      '`pgwitness receive` makes tokens with it, and `trail --grep` and `smoke` find them by it',
    ],
  ];
}

function appVariables(app: AppConfig): Use[] {
  const { database, ship, smoke } = app;
  return [
    ...spaceVariables(app),
    [database.ownerUrlEnv, '`pgwitness plan` and all that comes after log in with it'],
    [
      database.appUrlEnv,
      smoke === undefined
        ? '`pgwitness coverage` reads from it as whom the application logs in'
        : '`pgwitness smoke` logs in with it',
    ],
    [
      database.superuserUrlEnv,
      '`pgwitness install` logs in with it to set log_statement, where the owner may not',
    ],
    [database.archiverUrlEnv, '`pgwitness pseudonymize` logs in with it'],
    [ship?.drainUrlEnv, '`pgwitness ship` posts to it'],
  ];
}
