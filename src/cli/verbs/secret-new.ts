import type { Config } from '../../config/config.ts';
import type { MadeSecret } from '../../config/drain-secrets.ts';
import { PgwitnessError } from '../../error.ts';
import type { Cli } from '../context.ts';
import { defineVerb } from '../define-verb.ts';
import { appFlag, configFlag, jsonFlag, spaceFlag } from '../flags.ts';

interface Flags {
  readonly config: string;
  readonly app?: string;
  readonly space?: string;
  readonly for: 'drain' | 'redaction';
  readonly replaceKey?: string;
  readonly show: boolean;
  readonly json: boolean;
}

export const secretNewVerb = defineVerb<Flags>({
  brief: "Make a drain's password, or a redaction key, and store it in the file of secrets",
  detail: [
    'A password is 32 random bytes. Where the drain has one already, that one moves to the variable of `old_secret_env` and both are valid, so that no frame is refused while drains move to the new one; it then says what to do next, up to `pgwitness secret retire`.',
    '--for redaction makes the key of the tokens that stand for values in the archive. There is one for good: with another key the same value becomes another token, and a search by value finds only what was stored since. So one that is there is replaced only with --replace-key and its variable, or a yes on a terminal, and the one before is kept in the file under a name of its own.',
    'The file is the one that `secrets.file` names. It is replaced in one step, mode 600. No secret is printed without --show.',
  ].join('\n\n'),
  examples: [
    ['pgwitness secret new --app raxx-api-prod', 'the first password, or the next one'],
    ['pgwitness secret new --space raxx-shield', "that of a private space's one drain"],
    ['pgwitness secret new --app raxx-api-prod --for redaction', 'a key to redact with'],
  ],
  parameters: {
    flags: {
      config: configFlag,
      app: appFlag,
      space: spaceFlag,
      for: {
        kind: 'enum',
        values: ['drain', 'redaction'],
        brief: 'What the secret is for',
        default: 'drain',
      },
      replaceKey: {
        kind: 'parsed',
        parse: String,
        brief: 'Replace the redaction key in this variable, which makes stored tokens unfindable',
        placeholder: 'variable',
        optional: true,
      },
      show: {
        kind: 'boolean',
        brief: 'Print the secret too',
        default: false,
        withNegated: false,
      },
      json: jsonFlag,
    },
  },
  async run(cli, flags) {
    const { readConfig } = await import('../../config/read-config.ts');
    const config = await readConfig(flags.config);
    return flags.for === 'drain'
      ? newDrainSecret(cli, config, flags)
      : newRedactionKey(cli, config, flags);
  },
});

async function newDrainSecret(cli: Cli, config: Config, flags: Flags): Promise<0> {
  const { makeDrainSecret } = await import('../../config/drain-secrets.ts');
  const { chooseDrain, showSharers } = await import('../chosen-drain.ts');
  const { nextSteps } = await import('../next-steps.ts');
  const { secretsFileOf } = await import('../secrets-file-of.ts');
  if (flags.replaceKey !== undefined) {
    throw flagError(
      '--replace-key is for --for redaction.',
      'Leave it out, or add --for redaction.',
    );
  }
  const chosen = chooseDrain(config, flags);
  const file = secretsFileOf(config);
  const made = await makeDrainSecret(chosen.drain, { file, env: cli.env });
  const steps = nextSteps({
    chosen,
    rotates: made.keptAs !== undefined,
    hasUrl: config.receiver.url !== undefined,
    config: flags.config === configFlag.default ? '' : ` --config ${flags.config}`,
  });
  if (flags.json) {
    printJson(cli, flags, file, made, { sharedBy: chosen.sharedBy.map(({ name }) => name), steps });
    return 0;
  }
  print(cli, [
    `new password for the drain of ${showSharers(chosen)}: ${made.variable} in ${file}`,
    ...(made.keptAs === undefined
      ? []
      : [`the one before is ${made.keptAs} there: both are valid until it is retired`]),
    ...(flags.show ? [`${made.variable}='${made.secret}'`] : []),
    '',
    'next',
    ...steps.flatMap((lines, index) =>
      lines.map((line, at) => `${at === 0 ? `${index + 1}.`.padStart(4) : '    '} ${line}`),
    ),
  ]);
  return 0;
}

async function newRedactionKey(cli: Cli, config: Config, flags: Flags): Promise<0 | 1> {
  const { makeRedactionKey } = await import('../../config/drain-secrets.ts');
  const { readSecrets } = await import('../../config/secrets-file.ts');
  const { canAsk, confirm } = await import('../confirm.ts');
  const { keyFor } = await import('../redaction-key.ts');
  const { secretsFileOf } = await import('../secrets-file-of.ts');
  const { variable, usedBy } = keyFor(config, flags);
  if (flags.replaceKey !== undefined && flags.replaceKey !== variable) {
    throw flagError(
      `--replace-key names ${JSON.stringify(flags.replaceKey)}, and the key is in ${variable}; nothing was changed.`,
      `Give --replace-key ${variable} where that is meant.`,
    );
  }
  const file = secretsFileOf(config);
  let replaces = flags.replaceKey !== undefined;
  const present = (await readSecrets(file)).get(variable) ?? '';
  if (!replaces && present !== '' && canAsk(cli)) {
    const question = `${variable} holds a key already. With another one a search by value finds nothing of what is stored up to now. Replace it?`;
    replaces = await confirm(cli, question);
    if (!replaces) {
      cli.process.stderr.write('nothing was changed\n');
      return 1;
    }
  }
  const given = { replaces, nowMs: cli.now() };
  const made = await makeRedactionKey(variable, { file, env: cli.env }, given);
  if (flags.json) {
    printJson(cli, flags, file, made, { sharedBy: usedBy });
    return 0;
  }
  print(cli, [
    `new redaction key for ${usedBy.join(', ')}: ${made.variable} in ${file}`,
    ...(made.keptAs === undefined
      ? []
      : [
          `the one before is ${made.keptAs} there`,
          'what was stored with it is found with it alone:',
          `  pgwitness trail --key-env ${made.keptAs} --grep …`,
        ]),
    ...(flags.show ? [`${made.variable}='${made.secret}'`] : []),
    '',
    'Keep a copy where you keep keys: without it nobody can look for a value in what',
    'is stored. Restart the receiver (on Lambda: set its variable), and give the key',
    'to whoever runs `trail` and `smoke`.',
  ]);
  return 0;
}

function print(cli: Cli, lines: readonly string[]): void {
  cli.process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

function printJson(cli: Cli, flags: Flags, file: string, made: MadeSecret, more: object): void {
  const { variable, keptAs, secret } = made;
  const result = {
    variable,
    file,
    keptAs: keptAs ?? null,
    ...more,
    ...(flags.show && { secret }),
  };
  cli.process.stdout.write(`${JSON.stringify(result)}\n`);
}

function flagError(message: string, fix: string): PgwitnessError {
  return new PgwitnessError({ code: 'cli.secret-flags', message, fix, exit: 2 });
}
