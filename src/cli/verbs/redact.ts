import { buildRouteMap } from '@stricli/core';
import { defineVerb } from '../define-verb.ts';
import { appFlag, configFlag, jsonFlag, keyEnvFlag, spaceFlag } from '../flags.ts';

interface Flags {
  readonly config: string;
  readonly app?: string;
  readonly space?: string;
  readonly keyEnv?: string;
  readonly json: boolean;
}

const token = defineVerb<Flags, [string]>({
  brief: 'Print the token that stands for a value in the archive',
  detail:
    'With the redaction key of the app or space. The same value has the same token in every statement and parameter, so that `zcat | grep` finds it; where there are several, each stands on a line: that of the text, that of the number in its shortest form, and of a negative number the one that it has in a statement, where the sign stays in front. `trail --grep` looks for all by itself. A value with a dash in front goes behind `--`.',
  examples: [
    ['pgwitness redact token ada@example.org --app raxx-api-prod', 'what stands for this address?'],
    ['pgwitness redact token --app raxx-api-prod -- -42.50', 'for a negative number'],
  ],
  parameters: {
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Value, as the database has it', parse: String, placeholder: 'value' }],
    },
    flags: {
      config: configFlag,
      app: appFlag,
      space: spaceFlag,
      keyEnv: keyEnvFlag,
      json: jsonFlag,
    },
  },
  async run(cli, flags, value) {
    const { readConfig } = await import('../../config/read-config.ts');
    const { searchTexts } = await import('../../redact/search-texts.ts');
    const { keyFor, needTokens } = await import('../redaction-key.ts');
    const { withSecrets } = await import('../with-secrets.ts');
    const config = await readConfig(flags.config);
    const { env } = await withSecrets(cli, config);
    const use = keyFor(config, flags);
    const tokens = needTokens({ ...use, variable: flags.keyEnv ?? use.variable }, env);
    // The first is the text itself, which is no token.
    const found = [...new Set(searchTexts(tokens, value).slice(1))];
    cli.process.stdout.write(
      flags.json ? `${JSON.stringify({ tokens: found })}\n` : `${found.join('\n')}\n`,
    );
    return 0;
  },
});

/** `pgwitness redact …` */
export const redactVerbs = buildRouteMap({
  routes: { token },
  docs: { brief: 'Tell what stands for a value in an archive that is redacted' },
});
