import { buildRouteMap } from '@stricli/core';
import type { AppConfig } from '../../config/config.ts';
import type { Problem } from '../../config/problem.ts';
import type { ParsedConfig } from '../../config/read-config.ts';
import type { Cli } from '../context.ts';
import { defineVerb } from '../define-verb.ts';
import { appFlag, configFlag, jsonFlag } from '../flags.ts';

type Readable = Extract<ParsedConfig, { ok: true }>;

const check = defineVerb<{ config: string; app?: string; connect: boolean; json: boolean }>({
  brief: 'Look at the configuration file and name every problem with its line',
  detail:
    'Looks at the file alone. With --connect it also asks each database, as its owner, for the roles, tables and smoke test columns that the file names. Exits 0 when all is well, 2 when the file has a problem, and 1 when a database lacks what the file names.',
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
      if (flags.json) await print(cli, flags, parsed.problems, []);
      throw invalidConfig(flags.config, parsed.problems);
    }
    const apps =
      flags.app === undefined ? parsed.config.apps : [chooseApp(parsed.config, flags.app)];
    const problems: Problem[] = [];
    if (flags.connect) {
      for (const app of apps) problems.push(...(await askDatabase(cli, parsed, app, flags.config)));
    }
    return print(cli, flags, problems, parsed.config.apps);
  },
});

async function askDatabase(cli: Cli, parsed: Readable, app: AppConfig, path: string) {
  const { connectDatabase } = await import('../../capture/connect.ts');
  const { databaseProblems } = await import('../../config/database-problems.ts');
  const { secretFrom } = await import('../../config/read-config.ts');
  const { owner, ownerUrlEnv } = app.database;
  const url = secretFrom(cli.env, ownerUrlEnv, `the connection URL of ${owner} for ${app.name}`);
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

async function print(
  cli: Cli,
  flags: { config: string; connect: boolean; json: boolean },
  problems: readonly Problem[],
  apps: readonly AppConfig[],
): Promise<0 | 1> {
  const names = apps.map((app) => app.name);
  if (flags.json) {
    const result = { path: flags.config, ok: problems.length === 0, apps: names, problems };
    cli.process.stdout.write(`${JSON.stringify(result)}\n`);
  } else if (problems.length === 0) {
    const looked = flags.connect ? ', and so are its databases' : '';
    cli.process.stdout.write(
      `${flags.config} is in order${looked}: ${names.length} app${names.length === 1 ? '' : 's'} (${names.join(', ')}).\n`,
    );
  } else {
    const { showProblem } = await import('../../config/problem.ts');
    const lines = problems.map((problem) => `${showProblem(problem)}\n`);
    cli.process.stdout.write(
      `${lines.join('')}${problems.length} problem${problems.length === 1 ? '' : 's'}.\n`,
    );
  }
  return problems.length === 0 ? 0 : 1;
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
