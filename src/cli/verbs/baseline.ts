import { PgwitnessError } from '../../error.ts';
import { defineVerb } from '../define-verb.ts';
import { appFlag, configFlag, jsonFlag } from '../flags.ts';

interface Flags {
  readonly config: string;
  readonly app?: string;
  readonly table?: readonly string[];
  readonly again: boolean;
  readonly check: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly pause: number;
  readonly json: boolean;
}

const longestPauseMs = 60_000;

export const baselineVerb = defineVerb<Flags>({
  brief: 'Take images of the rows that were there before, and say since when the trail holds',
  detail: [
    'Puts an image of each row that has none yet into its history, so that the row before each change is always told. `install` does it for new tables; take it anew after a restore, a pg:copy or a rewrite of the table. --check says which tables need one.',
    'Reads in small batches, each a transaction of its own, and holds off no writer. Stop it with Ctrl-C or kill it: the next run goes on from there. Until it is complete both images of each UPDATE are kept.',
    'With --check exits 1 where the trail of a table does not hold, or its baseline is not complete.',
  ].join('\n\n'),
  examples: [
    ['pgwitness baseline --check', 'since when does the trail of each table hold?'],
    ['pgwitness baseline --dry-run', 'see what it would read'],
    ['pgwitness baseline --yes', 'take what is needed, or go on with it'],
    ['pgwitness baseline --table users --again --yes --pause 200', 'take one anew, gently'],
  ],
  parameters: {
    flags: {
      config: configFlag,
      app: appFlag,
      table: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        optional: true,
        brief: 'Only this captured table; may be given several times',
        placeholder: 'table',
      },
      again: {
        kind: 'boolean',
        brief: 'Also where one holds',
        default: false,
        withNegated: false,
      },
      check: {
        kind: 'boolean',
        brief: 'Only tell since when each trail holds, and what needs a new one',
        default: false,
        withNegated: false,
      },
      dryRun: {
        kind: 'boolean',
        brief: 'Only tell what would be read',
        default: false,
        withNegated: false,
      },
      yes: {
        kind: 'boolean',
        brief: 'Do it without asking',
        default: false,
        withNegated: false,
      },
      pause: {
        kind: 'parsed',
        parse: parsePause,
        brief: 'Rest between two batches, in milliseconds',
        placeholder: 'ms',
        default: '0',
      },
      json: jsonFlag,
    },
  },
  async run(cli, flags) {
    const { openCapture } = await import('../open-capture.ts');
    const { canAsk, confirm } = await import('../confirm.ts');
    const { subjectTable } = await import('../subject-table.ts');
    const { lookAtBaselines, statusLines, takeBaselines, takenLines } = await import(
      '../take-baselines.ts'
    );
    const { showName } = await import('../../capture/capture-names.ts');
    const { oneLine } = await import('../../capture/plan-sql.ts');
    const looks = flags.check || flags.dryRun;
    const capture = await openCapture(cli, flags);
    try {
      const chosen =
        flags.table === undefined
          ? capture.target.tables
          : [...new Set(flags.table.map((written) => subjectTable(written, capture.app)))];
      const print = (lines: readonly string[]) =>
        cli.process.stdout.write(lines.map((line) => `${oneLine(line)}\n`).join(''));
      const statuses = await lookAtBaselines(cli, capture, chosen);
      if (looks) {
        if (flags.json) cli.process.stdout.write(`${JSON.stringify({ tables: statuses })}\n`);
        else print(statusLines(statuses));
        return flags.check && statuses.some(({ state }) => state !== 'holds') ? 1 : 0;
      }
      const due = chosen.filter(
        // What is off is tried, so that the error says what to do.
        (_, index) =>
          flags.again || statuses[index]?.due !== 'nothing' || statuses[index]?.state === 'off',
      );
      if (due.length > 0 && !flags.yes) {
        if (!canAsk(cli)) {
          throw new PgwitnessError({
            code: 'cli.not-confirmed',
            message: 'There is no terminal to ask on, so nothing was done.',
            fix: 'Give --check or --dry-run to look, --yes to take what is needed.',
            exit: 2,
          });
        }
        for (const line of statusLines(statuses)) cli.process.stderr.write(`${oneLine(line)}\n`);
        if (!(await confirm(cli, 'Take them?'))) {
          cli.process.stderr.write('nothing was changed\n');
          return 1;
        }
      }
      const taken = await takeBaselines(cli, capture, due, {
        which: flags.again ? 'again' : 'needed',
        batchPauseMs: flags.pause,
      });
      if (flags.json) cli.process.stdout.write(`${JSON.stringify({ tables: taken })}\n`);
      else print(due.length === 0 ? ['nothing to do: see --check'] : takenLines(taken, showName));
      return taken.some(({ outcome }) => outcome === 'stopped') ? 1 : 0;
    } finally {
      await capture.close();
    }
  },
});

function parsePause(text: string): number {
  const ms = Number(text);
  if (!/^[0-9]+$/.test(text) || ms > longestPauseMs) {
    throw new Error(`--pause takes whole milliseconds up to ${longestPauseMs}, not ${text}`);
  }
  return ms;
}
