import { defineVerb } from '../define-verb.ts';
import { appFlag, configFlag, jsonFlag, spaceFlag } from '../flags.ts';

interface Flags {
  readonly config: string;
  readonly app?: string;
  readonly space?: string;
  readonly yes: boolean;
  readonly json: boolean;
}

export const secretRetireVerb = defineVerb<Flags>({
  brief: "End a rotation: take a drain's password before the present one away",
  detail:
    'Asks first, and says when the old password was last used, where the receiver can be reached at `receiver.host` and `receiver.port`. A drain that still has the old one is refused once the receiver has been restarted, and what it sends is lost.',
  examples: [
    ['pgwitness secret retire --app raxx-api-prod', 'after a question'],
    ['pgwitness secret retire --space raxx-shield --yes', 'without one, for a script'],
  ],
  parameters: {
    flags: {
      config: configFlag,
      app: appFlag,
      space: spaceFlag,
      yes: { kind: 'boolean', brief: 'Do it without asking', default: false, withNegated: false },
      json: jsonFlag,
    },
  },
  async run(cli, flags) {
    const { readConfig } = await import('../../config/read-config.ts');
    const { oldDrainSecret, retireDrainSecret } = await import('../../config/drain-secrets.ts');
    const { PgwitnessError } = await import('../../error.ts');
    const { chooseDrain, showSharers } = await import('../chosen-drain.ts');
    const { canAsk, confirm } = await import('../confirm.ts');
    const { readOldUse, showOldUse } = await import('../old-secret-use.ts');
    const { secretsFileOf } = await import('../secrets-file-of.ts');
    const config = await readConfig(flags.config);
    const chosen = chooseDrain(config, flags);
    const store = { file: secretsFileOf(config), env: cli.env };
    const say = (text: string) => cli.process.stderr.write(`${text}\n`);
    const variable = await oldDrainSecret(chosen.drain, store);
    if (variable === undefined) {
      if (flags.json) cli.process.stdout.write(`${JSON.stringify({ retired: null })}\n`);
      else {
        cli.process.stdout.write(
          `nothing to retire: the drain of ${showSharers(chosen)} has one password\n`,
        );
      }
      return 0;
    }
    if (!flags.yes && !canAsk(cli)) {
      throw new PgwitnessError({
        code: 'cli.not-confirmed',
        message: 'There is no terminal to ask on, so nothing was done.',
        fix: 'Give --yes once no drain has the old password any more: `heroku drains` shows their URLs.',
        exit: 2,
      });
    }
    const users = chosen.sharedBy.map(({ drain }) => drain.user);
    const use = await readOldUse(config.receiver, users);
    say(showOldUse(use, variable));
    if (!flags.yes) {
      const question = `Take ${variable} away? A drain that still has it loses what it sends.`;
      if (!(await confirm(cli, question))) {
        say('nothing was changed');
        return 1;
      }
    }
    const retired = await retireDrainSecret(chosen.drain, store);
    if (flags.json) {
      // Absent where it can't be told, null where it was not used since the receiver started.
      const lastUsed =
        use.kind === 'told'
          ? { lastUsed: use.usedAt === undefined ? null : new Date(use.usedAt).toISOString() }
          : {};
      const result = { retired: retired ? variable : null, ...lastUsed };
      cli.process.stdout.write(`${JSON.stringify(result)}\n`);
    } else {
      cli.process.stdout.write(
        `${variable} is taken out of ${store.file}\nrestart the receiver, which takes both until then\n`,
      );
    }
    return 0;
  },
});
