import { defineVerb } from '../define-verb.ts';
import { appFlag, configFlag, spaceFlag } from '../flags.ts';

interface Flags {
  readonly config: string;
  readonly app?: string;
  readonly space?: string;
  readonly old: boolean;
}

export const secretUrlVerb = defineVerb<Flags>({
  brief: "Print a drain's URL, which holds its password",
  detail:
    'Of `receiver.url`, the drain’s user and its password, for `heroku drains:add` and `drains:set`. It is the one verb that prints a secret unasked: give its output to a command rather than to a screen.',
  examples: [
    [
      'heroku drains:add "$(pgwitness secret url --app raxx-api-prod)" --app raxx-api-prod',
      'add the drain',
    ],
    [
      'heroku drains:remove "$(pgwitness secret url --old --app raxx-api-prod)" --app raxx-api-prod',
      'at the end of a rotation: remove the drain with the password before',
    ],
  ],
  parameters: {
    flags: {
      config: configFlag,
      app: appFlag,
      space: spaceFlag,
      old: {
        kind: 'boolean',
        brief: 'With the password before the present one',
        default: false,
        withNegated: false,
      },
    },
  },
  async run(cli, flags) {
    const { readConfig, secretFrom } = await import('../../config/read-config.ts');
    const { PgwitnessError } = await import('../../error.ts');
    const { chooseDrain, showSharers } = await import('../chosen-drain.ts');
    const { withSecrets } = await import('../with-secrets.ts');
    const config = await readConfig(flags.config);
    const chosen = chooseDrain(config, flags);
    const { user, secretEnv, oldSecretEnv } = chosen.drain;
    const { url } = config.receiver;
    if (url === undefined) {
      throw new PgwitnessError({
        code: 'cli.no-receiver-url',
        message: `${config.path} does not say where drains reach the receiver from outside.`,
        fix: 'Add `receiver: {url: https://…/}`: the address of the proxy before the receiver, or of the Lambda function.',
        exit: 2,
      });
    }
    if (flags.old && oldSecretEnv === undefined) {
      throw new PgwitnessError({
        code: 'cli.no-old-secret',
        message: `The drain of ${showSharers(chosen)} has no \`old_secret_env\`, so there is no password before the present one.`,
        fix: 'Leave --old out.',
        exit: 2,
      });
    }
    const { env } = await withSecrets(cli, config);
    if (flags.old && oldSecretEnv !== undefined && (env[oldSecretEnv] ?? '').trim() === '') {
      throw new PgwitnessError({
        code: 'cli.no-old-secret',
        message: `The drain of ${showSharers(chosen)} has one password: ${oldSecretEnv} is not set, so that no rotation is under way.`,
        fix: 'Leave --old out; there is nothing to remove.',
        exit: 2,
      });
    }
    const variable = flags.old && oldSecretEnv !== undefined ? oldSecretEnv : secretEnv;
    const purpose = `the password of the drain of ${showSharers(chosen)}`;
    const password = secretFrom(env, variable, purpose, 'pgwitness secret new');
    const { drainUrl } = await import('../drain-url.ts');
    cli.process.stdout.write(`${drainUrl(url, user, password)}\n`);
    if (cli.terminal) {
      cli.process.stderr.write(
        'note the password stands in it: clear it from the screen, and paste it into no ticket or chat\n',
      );
    }
    return 0;
  },
});
