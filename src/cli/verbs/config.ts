import { buildRouteMap } from '@stricli/core';
import type { AppConfig } from '../../config/config.ts';
import type { Problem } from '../../config/problem.ts';
import type { ParsedConfig } from '../../config/read-config.ts';
import type { UnsetVariable } from '../../config/unset-variables.ts';
import type { Cli } from '../context.ts';
import { defineVerb } from '../define-verb.ts';
import { appFlag, configFlag, jsonFlag } from '../flags.ts';

type Readable = Extract<ParsedConfig, { ok: true }>;

const check = defineVerb<{ config: string; app?: string; connect: boolean; json: boolean }>({
  brief: 'Look at the configuration file and name every problem with its line',
  detail:
    'Looks at the file alone. With --connect it also asks each database, as its owner, for the roles, tables and smoke test columns that the file names, and warns of each variable that the file names and that is not set here. Exits 0 when all is well, 2 when the file has a problem, and 1 when a database lacks what the file names.',
  examples: [
    ['pgwitness config check', 'look at ./pgwitness.yaml'],
    ['pgwitness config check --connect', 'also look into the databases'],
    ['pgwitness config check --connect --app raxx-api-prod', 'into one of them'],
  ],
  parameters: {
    flags: {
      config: configFlag,
      app: { ...appFlag, brief: 'With --connect: look into the database of this app alone' },
      connect: {
        kind: 'boolean',
        brief: 'Also ask the databases for the roles and tables that the file names',
        default: false,
        withNegated: false,
      },
      json: jsonFlag,
    },
  },
  async run(cli, flags) {
    const { chooseApp, invalidConfig, parseConfig, readConfigText } = await import(
      '../../config/read-config.ts'
    );
    const parsed = parseConfig(await readConfigText(flags.config), flags.config);
    if (!parsed.ok) {
      if (flags.json) await printJson(cli, flags.config, parsed.problems, []);
      throw invalidConfig(flags.config, parsed.problems);
    }
    const apps =
      flags.app === undefined ? parsed.config.apps : [chooseApp(parsed.config, flags.app)];
    const { withSecrets } = await import('../with-secrets.ts');
    const { env } = flags.connect ? await withSecrets(cli, parsed.config) : cli;
    const { unsetVariables } = await import('../../config/unset-variables.ts');
    const ofApps = new Set(apps.map(({ space }) => space));
    const spaces = parsed.config.spaces.filter(
      ({ name }) => flags.app === undefined || ofApps.has(name),
    );
    const unset = flags.connect ? unsetVariables({ apps, spaces }, env) : [];
    const problems: Problem[] = [];
    if (flags.connect) {
      // Asked last is who has no login, which throws: where none is kept, the receiver's machine for one,
      // all that is not set is told first.
      const unknown = new Set(unset.map(({ variable }) => variable));
      const hasLogin = (app: AppConfig) => !unknown.has(app.database.ownerUrlEnv);
      for (const app of apps.filter(hasLogin)) {
        problems.push(...(await askDatabase(env, parsed, app, flags.config)));
      }
      const [without] = apps.filter((app) => !hasLogin(app));
      if (without !== undefined) {
        if (flags.json)
          await printJson(cli, flags.config, problems, parsed.config.apps, unset, false);
        else await printFindings(cli, problems, unset);
        await askDatabase(env, parsed, without, flags.config);
      }
    }
    if (flags.json) await printJson(cli, flags.config, problems, parsed.config.apps, unset);
    else await print(cli, flags, problems, parsed.config.apps, unset);
    return problems.length === 0 ? 0 : 1;
  },
});

async function askDatabase(env: Cli['env'], parsed: Readable, app: AppConfig, path: string) {
  const { connectDatabase } = await import('../../capture/connect.ts');
  const { databaseProblems } = await import('../../config/database-problems.ts');
  const { secretFrom } = await import('../../config/read-config.ts');
  const { owner, ownerUrlEnv } = app.database;
  const url = secretFrom(env, ownerUrlEnv, `the connection URL of ${owner} for ${app.name}`);
  const client = await connectDatabase(url, `the connection of ${owner} for ${app.name}`);
  try {
    return await databaseProblems(app, path, parsed.locate, async (sql, parameters) => {
      const { rows } = await client.query(sql, [...parameters]);
      return rows;
    });
  } finally {
    await client.end();
  }
}

async function printJson(
  cli: Cli,
  path: string,
  problems: readonly Problem[],
  apps: readonly AppConfig[],
  unset: readonly UnsetVariable[] = [],
  ok = problems.length === 0,
): Promise<void> {
  const { harmlessJson } = await import('../harmless-text.ts');
  const { mostTold } = await import('../../config/problem.ts');
  const result = {
    path,
    ok,
    apps: apps.map((app) => app.name),
    problems: problems.slice(0, mostTold),
    /** Problems beyond those listed. */
    more: Math.max(0, problems.length - mostTold),
    /** With --connect. They make nothing wrong: each verb may run on a machine of its own. */
    unset,
  };
  cli.process.stdout.write(`${harmlessJson(result)}\n`);
}

async function print(
  cli: Cli,
  flags: { config: string; app?: string; connect: boolean },
  problems: readonly Problem[],
  apps: readonly AppConfig[],
  unset: readonly UnsetVariable[],
): Promise<void> {
  const { harmlessText } = await import('../harmless-text.ts');
  const write = (text: string) => cli.process.stdout.write(`${harmlessText(text)}\n`);
  if (problems.length > 0) return printFindings(cli, problems, unset);
  const looked = flags.connect ? ', and so are its databases' : '';
  const names = apps.map((app) => app.name).join(', ');
  write(
    `${flags.config} is in order${looked}: ${apps.length} app${apps.length === 1 ? '' : 's'} (${names}).`,
  );
  await printFindings(cli, [], unset);
  const config = flags.config === configFlag.default ? '' : ` --config ${flags.config}`;
  const [first, another] = apps;
  const app = another === undefined ? '' : ` --app ${flags.app ?? first?.name}`;
  write(`Next: \`pgwitness plan${config}${app}\` prints what install would do;`);
  write(`on the machine of the receiver, \`pgwitness receive${config}\`.`);
}

/** What is wrong, and what is not set here; nothing where all is well. */
async function printFindings(
  cli: Cli,
  problems: readonly Problem[],
  unset: readonly UnsetVariable[],
): Promise<void> {
  const { harmlessText, wrapText } = await import('../harmless-text.ts');
  const { showProblems } = await import('../../config/problem.ts');
  /** On a terminal at most 80 columns wide, what goes on set in; elsewhere each on one line, for programs. */
  const write = (text: string) => {
    const lines = harmlessText(text, { lines: true }).split('\n');
    const wrapped = lines.flatMap((line) =>
      cli.terminal ? wrapText(line.trimStart(), 76) : [line],
    );
    cli.process.stdout.write(`${wrapped.join(cli.terminal ? '\n    ' : '\n')}\n`);
  };
  for (const shown of showProblems(problems)) write(shown);
  if (problems.length > 0) {
    write(`${problems.length} problem${problems.length === 1 ? '' : 's'}.`);
  }
  for (const { variable, empty, uses } of unset) {
    write(`warning ${variable} is ${empty ? 'empty' : 'not set'} here: ${uses.join('; ')}.`);
  }
}

const schema = defineVerb<Record<never, never>>({
  brief: 'Print the JSON Schema of pgwitness.yaml, for editors',
  detail:
    'An editor with a YAML language server then completes keys and shows what each means. Put `# yaml-language-server: $schema=pgwitness.schema.json` at the top of the file.',
  examples: [['pgwitness config schema > pgwitness.schema.json', 'keep it beside the file']],
  parameters: { flags: {} },
  async run(cli) {
    const { configJsonSchema } = await import('../../config/schema.ts');
    cli.process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
    return 0;
  },
});

/** `pgwitness config …` */
export const configVerbs = buildRouteMap({
  routes: { check, schema },
  docs: { brief: 'Look at the configuration file' },
});
