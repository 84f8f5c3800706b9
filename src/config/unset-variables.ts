import type { AppConfig } from './config.ts';

/** A variable that the configuration names and the environment lacks. */
export interface UnsetVariable {
  readonly variable: string;
  /** It is there, and holds nothing. */
  readonly empty: boolean;
  /** What goes without it, in words: `pgwitness ship posts to it`. */
  readonly uses: readonly string[];
}

/** The variables of `apps` that are not set in `env`, each once, in the order of the file. */
export function unsetVariables(
  apps: readonly AppConfig[],
  env: Readonly<Record<string, string | undefined>>,
): readonly UnsetVariable[] {
  const uses = new Map<string, Set<string>>();
  for (const app of apps) {
    for (const [variable, use] of variablesOf(app)) {
      if (variable === undefined || (env[variable] ?? '').trim() !== '') continue;
      uses.set(variable, (uses.get(variable) ?? new Set()).add(use));
    }
  }
  return [...uses].map(([variable, of]) => ({
    variable,
    empty: env[variable] !== undefined,
    uses: [...of],
  }));
}

function variablesOf({ drain, database, ship, smoke }: AppConfig) {
  return [
    [drain.secretEnv, '`pgwitness receive` asks drains for it'],
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
  ] as const;
}
