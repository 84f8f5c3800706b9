import { defineVerb } from '../define-verb.ts';
import { jsonFlag } from '../flags.ts';

export const versionVerb = defineVerb<{ json: boolean }>({
  brief: 'Print the version of pgwitness and of Node',
  examples: [['pgwitness version', 'which version is this?']],
  parameters: { flags: { json: jsonFlag } },
  async run(cli, flags) {
    const { packageVersion } = await import('../version.ts');
    const versions = { pgwitness: packageVersion(), node: process.versions.node };
    cli.process.stdout.write(
      flags.json
        ? `${JSON.stringify(versions)}\n`
        : `pgwitness ${versions.pgwitness} (Node ${versions.node})\n`,
    );
    return 0;
  },
});
