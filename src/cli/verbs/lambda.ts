import { buildRouteMap } from '@stricli/core';
import type { Cli } from '../context.ts';
import { defineVerb } from '../define-verb.ts';
import { configFlag, jsonFlag } from '../flags.ts';
import type { LambdaSetup } from '../lambda-settings-of.ts';

interface ConfigFlags {
  readonly config: string;
  readonly out?: string;
  readonly json: boolean;
}

const config = defineVerb<ConfigFlags>({
  brief: 'Print the settings of the receiver on AWS Lambda, as its environment takes them',
  detail:
    'The settings name the variables that hold secrets and hold none themselves. Lambda gives all variables together 4 KB: where that is too little, --out writes them to a file that goes into the zip.',
  examples: [
    ['pgwitness lambda config', 'PGWITNESS_RECEIVER, and which secrets to set beside it'],
    [
      'pgwitness lambda config --out receiver.json',
      'into a file, for PGWITNESS_RECEIVER=@receiver.json',
    ],
    ['pgwitness lambda config --json', 'for a program that deploys'],
  ],
  parameters: {
    flags: {
      config: configFlag,
      out: {
        kind: 'parsed',
        parse: String,
        brief: 'Write the settings to this file',
        placeholder: 'file.json',
        optional: true,
      },
      json: jsonFlag,
    },
  },
  async run(cli, flags) {
    const { readConfig } = await import('../../config/read-config.ts');
    const { environmentBytes, lambdaSetup, mostEnvironmentBytes } = await import(
      '../lambda-settings-of.ts'
    );
    const { withSecrets } = await import('../with-secrets.ts');
    const read = await readConfig(flags.config);
    const { env } = await withSecrets(cli, read);
    const setup = lambdaSetup(read);
    const receiver = await receiverOf(setup, flags.out);
    const bytes = environmentBytes(receiver, setup.secrets, env);
    if (flags.json) {
      const { secrets, leftOut } = setup;
      const environment = { PGWITNESS_RECEIVER: receiver };
      const result = { environment, secrets, leftOut, bytes, mostBytes: mostEnvironmentBytes };
      cli.process.stdout.write(`${JSON.stringify(result)}\n`);
      return 0;
    }
    print(cli, setup, receiver);
    const { isLoopback } = await import('../../config/web-address.ts');
    const { endpoint } = setup.settings;
    if (endpoint !== undefined && isLoopback(new URL(endpoint).hostname)) {
      cli.process.stderr.write(
        'warning `archive.s3.endpoint` is this machine, which no function on Lambda reaches.\n  fix Take it away for AWS, or name an address that the function can reach.\n',
      );
    }
    if (bytes > mostEnvironmentBytes) {
      cli.process.stderr.write(
        `warning The function's variables come to ${bytes} bytes, and Lambda takes ${mostEnvironmentBytes}.\n  fix Write the settings to a file that goes into the zip: pgwitness lambda config --out receiver.json\n`,
      );
    }
    return 0;
  },
});

/** The variable's value: the settings, or where they have been written. */
async function receiverOf({ settings }: LambdaSetup, out: string | undefined): Promise<string> {
  const json = JSON.stringify(settings);
  if (out === undefined) return json;
  const { basename } = await import('node:path');
  const { writeOut } = await import('../write-out.ts');
  await writeOut(out, Buffer.from(`${json}\n`), '.json');
  return `@${basename(out)}`;
}

function print(cli: Cli, { secrets, leftOut }: LambdaSetup, receiver: string): void {
  const width = Math.max(...secrets.map(({ name }) => name.length));
  const lines = [
    `PGWITNESS_RECEIVER=${receiver}`,
    ...(receiver.startsWith('@')
      ? ['', `add it to the zip: zip pgwitness-lambda.zip ${receiver.slice(1)}`]
      : []),
    '',
    'set beside it, from your store of secrets',
    ...secrets.map(({ name, holds }) => `  ${name.padEnd(width)}  ${holds}`),
    ...(leftOut.length === 0 ? [] : ['', 'left out']),
    ...leftOut.map(({ space, why }) => `  space ${space}: ${why}`),
  ];
  cli.process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

interface ZipFlags {
  readonly config: string;
  readonly out: string;
  readonly json: boolean;
}

const zip = defineVerb<ZipFlags>({
  brief: 'Write the zip to deploy on AWS Lambda: the one with the SQL grammar where an app redacts',
  examples: [
    ['pgwitness lambda zip', 'pgwitness-lambda.zip, into this folder'],
    ['pgwitness lambda zip --out receiver.zip', 'under another name'],
  ],
  parameters: {
    flags: {
      config: configFlag,
      out: {
        kind: 'parsed',
        parse: String,
        brief: 'File to write; one that is there is replaced',
        placeholder: 'file.zip',
        default: 'pgwitness-lambda.zip',
      },
      json: jsonFlag,
    },
  },
  async run(cli, flags) {
    const { createHash } = await import('node:crypto');
    const { readConfig } = await import('../../config/read-config.ts');
    const { lambdaSetup } = await import('../lambda-settings-of.ts');
    const { readLambdaZip } = await import('../read-lambda-zip.ts');
    const { writeOut } = await import('../write-out.ts');
    const { settings } = lambdaSetup(await readConfig(flags.config));
    const redacts = settings.drains.some(({ redactKeyEnv }) => redactKeyEnv !== undefined);
    const bytes = await readLambdaZip(redacts);
    await writeOut(flags.out, bytes, '.zip');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const what = redacts ? 'with the SQL grammar, since an app redacts' : 'without the SQL grammar';
    cli.process.stdout.write(
      flags.json
        ? `${JSON.stringify({ zip: flags.out, redacts, bytes: bytes.length, sha256 })}\n`
        : `${flags.out}: ${Math.ceil(bytes.length / 1000)} KB, ${what}\nsha256 ${sha256}\nhandler index.handler, runtime nodejs22.x or nodejs24.x\n`,
    );
    return 0;
  },
});

/** `pgwitness lambda …` */
export const lambdaVerbs = buildRouteMap({
  routes: { config, zip },
  docs: { brief: 'Set the receiver up on AWS Lambda' },
});
