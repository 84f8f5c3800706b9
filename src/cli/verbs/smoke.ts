import { parseDuration } from '../../config/duration.ts';
import { defineVerb } from '../define-verb.ts';
import { appFlag, configFlag, jsonFlag } from '../flags.ts';

interface Flags {
  readonly config: string;
  readonly app?: string;
  readonly within?: number;
  readonly json: boolean;
}

function parseWithin(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms > 3_600_000) throw new Error('must be a duration of at most 1h');
  return ms;
}

export const smokeVerb = defineVerb<Flags>({
  brief: 'Prove the way of a change: from a write to the archive and to history',
  detail: [
    "Writes as the application and as the owner of the app's database: a tracer event that stays, and a row that is deleted again (its history stays). What is written stands under `smoke` in pgwitness.yaml. Where a stage fails it says what that means, as failure mode A (drain), B (log_statement) or C (trigger) where it is one of these, and what to do next.",
    'Exit code 0: proven. 1: not proven. 3: a database or the archive could not be reached.',
  ].join('\n\n'),
  examples: [
    ['pgwitness smoke', 'does what is written reach the archive?'],
    [
      'pgwitness smoke --app raxx-api-staging --within 2m',
      'one app of several, with more patience',
    ],
    ['pgwitness smoke --json', 'one JSON object, for a program'],
  ],
  parameters: {
    flags: {
      config: configFlag,
      app: appFlag,
      within: {
        kind: 'parsed',
        parse: parseWithin,
        brief: 'How long the tracer may take, instead of smoke.within: 500ms, 30s, 2m; at most 1h',
        placeholder: 'duration',
        optional: true,
      },
      json: { ...jsonFlag, brief: 'Print the report as JSON instead of text' },
    },
  },
  async run(given, flags) {
    const { chooseApp, readConfig, secretFrom } = await import('../../config/read-config.ts');
    const { openArchive } = await import('../open-archive.ts');
    const { tokensOf } = await import('../redaction-key.ts');
    const { withSecrets } = await import('../with-secrets.ts');
    const { smokeOf, printSmoke } = await import('../print-smoke.ts');
    const config = await readConfig(flags.config);
    const app = chooseApp(config, flags.app);
    const cli = await withSecrets(given, config);
    const tokens = tokensOf(app, cli.env);
    const { smoke, appUrlEnv } = smokeOf(app, flags.within);
    return printSmoke(cli, flags.json, {
      appUrl: secretFrom(cli.env, appUrlEnv, "the connection URL of the application's own login"),
      ownerUrl: secretFrom(
        cli.env,
        app.database.ownerUrlEnv,
        `the connection URL of ${app.database.owner}`,
      ),
      archive: await openArchive(config, cli),
      prefix: app.prefix,
      ...(tokens !== undefined && { tokens }),
      smoke,
    });
  },
});
