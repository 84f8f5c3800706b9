import { PgwitnessError } from '../../error.ts';
import { defineVerb } from '../define-verb.ts';
import { appFlag, configFlag, jsonFlag } from '../flags.ts';

interface Flags {
  readonly config: string;
  readonly app?: string;
  readonly dropHistory: boolean;
  readonly yesDropHistory?: string;
  readonly json: boolean;
}

export const uninstallVerb = defineVerb<Flags>({
  brief: 'Take capture away; what was captured stays',
  detail:
    'Takes away triggers, their functions, guards, and the log_statement that install set. History tables stay, with what is in them and who may read it, and so does the schema pgwitness, which holds the key and the forms they are read by; unless told twice: --drop-history and --yes-drop-history with the name of the app.',
  examples: [
    ['pgwitness uninstall --app raxx-api-staging', 'stop capturing, keep history'],
    [
      'pgwitness uninstall --app raxx-api-staging --drop-history --yes-drop-history raxx-api-staging',
      'also drop all that was captured',
    ],
  ],
  parameters: {
    flags: {
      config: configFlag,
      app: appFlag,
      dropHistory: {
        kind: 'boolean',
        brief: 'Drop the history tables too; needs --yes-drop-history',
        default: false,
        withNegated: false,
      },
      yesDropHistory: {
        kind: 'parsed',
        parse: String,
        brief: 'The name of the app whose history is to be dropped',
        placeholder: 'app',
        optional: true,
      },
      json: jsonFlag,
    },
  },
  async run(cli, flags) {
    const { openCapture } = await import('../open-capture.ts');
    const { uninstallCapture } = await import('../../capture/uninstall.ts');
    const { oneLine } = await import('../../capture/plan-sql.ts');
    const capture = await openCapture(cli, flags);
    try {
      const { name } = capture.app;
      if (flags.dropHistory !== (flags.yesDropHistory === name)) {
        throw new PgwitnessError({
          code: 'cli.drop-history',
          message: `History is dropped only with both --drop-history and --yes-drop-history ${name}; nothing was changed.`,
          fix: 'Give both, or neither to keep it. What is dropped can’t be brought back.',
          exit: 2,
        });
      }
      const outcome = await uninstallCapture(capture.connections, capture.target, {
        dropHistory: flags.dropHistory,
        signal: cli.signal,
        onRetry: (attempt, attempts) =>
          cli.process.stderr.write(
            `a lock is held by someone else (try ${attempt} of ${attempts}), waiting\n`,
          ),
      });
      const blocked = outcome.objects.filter(({ action }) => action === 'blocked');
      if (flags.json) {
        cli.process.stdout.write(`${JSON.stringify(outcome)}\n`);
      } else {
        for (const { action, kind, name: object, why, fix } of outcome.objects) {
          const because = why === undefined ? '' : `: ${why}`;
          const line = `${action.padEnd(8)} ${kind.padEnd(11)} ${object}${because}`;
          cli.process.stdout.write(`${oneLine(line)}\n`);
          if (fix !== undefined) cli.process.stdout.write(`         fix: ${oneLine(fix)}\n`);
        }
        for (const note of capture.notes) cli.process.stdout.write(`note: ${note}\n`);
        cli.process.stdout.write(outcome.changed ? 'capture is taken away\n' : 'nothing to do\n');
      }
      return blocked.length === 0 ? 0 : 1;
    } finally {
      await capture.close();
    }
  },
});
