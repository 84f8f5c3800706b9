import { defineVerb } from '../define-verb.ts';
import { appFlag, configFlag, jsonFlag } from '../flags.ts';

interface Flags {
  readonly config: string;
  readonly app?: string;
  readonly all: boolean;
  readonly json: boolean;
}

export const coverageVerb = defineVerb<Flags>({
  brief: 'Name every gap of capture in a database, each with what to do',
  detail: [
    'Looks at the data, not at objects to make: one line a configured table, with how it stands, then what of its changes is lost, may be lost or can’t be told exactly (gap), and what is worth knowing (note). Tables that nobody configured, roles that could undo capture, settings that keep triggers from firing or lines from the log are told too. Where this login can’t see something, it says so. It changes nothing.',
    'Exits 0 when there is no gap; 1 when there is one; 2 when the configuration is wrong; 3 when the database can’t be reached.',
  ].join('\n\n'),
  examples: [
    ['pgwitness coverage --app raxx-api-prod', 'what is captured, and what is not'],
    ['pgwitness coverage --app raxx-api-prod --all', 'with limits that hardly anyone need know'],
    ['pgwitness coverage --app raxx-api-prod --json', 'for a program'],
  ],
  parameters: {
    flags: {
      config: configFlag,
      app: appFlag,
      all: {
        kind: 'boolean',
        brief: 'Also columns that are kept as the text of their value',
        default: false,
        withNegated: false,
      },
      json: jsonFlag,
    },
  },
  async run(cli, flags) {
    const { openCapture } = await import('../open-capture.ts');
    const { readCoverage } = await import('../../capture/coverage.ts');
    const { databaseFailure } = await import('../../capture/server-error.ts');
    const { coverageJson, printCoverage } = await import('../print-coverage.ts');
    const capture = await openCapture(cli, flags);
    try {
      const coverage = await readCoverage(capture.connections.owner, capture.target, {
        all: flags.all,
      }).catch((error: unknown) => {
        throw databaseFailure(error, 'looking at what is captured');
      });
      if (flags.json) cli.process.stdout.write(`${coverageJson(coverage)}\n`);
      else printCoverage(cli, coverage);
      return coverage.gaps.some(({ level }) => level === 'gap') ? 1 : 0;
    } finally {
      await capture.close();
    }
  },
});
