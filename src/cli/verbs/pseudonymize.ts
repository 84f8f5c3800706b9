import type { PseudonymReport } from '../../capture/pseudonymize.ts';
import { PgwitnessError } from '../../error.ts';
import type { Cli } from '../context.ts';
import { defineVerb } from '../define-verb.ts';
import { appFlag, configFlag, jsonFlag } from '../flags.ts';

interface Flags {
  readonly config: string;
  readonly app?: string;
  readonly key: readonly string[];
  readonly also?: readonly string[];
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

export const pseudonymizeVerb = defineVerb<Flags, [string]>({
  brief: "Replace one subject's personal data in history with keyed tokens",
  detail: [
    "Replaces the columns that the configuration lists under `personal` in every image that the table's history holds of one row, also under keys that it had before or after. The same value becomes the same token, so that changes still show; null stays null. All of it in one transaction, or nothing; doing it again changes nothing. Each changed row leaves a witness line with its digests.",
    'The table itself is not touched: have the application delete the row or make it anonymous first, since that change is captured with the row as it was. Statement texts in the archive and backups keep what they hold.',
    'Exits 1 where history has no row under the key.',
  ].join('\n\n'),
  examples: [
    ['pgwitness pseudonymize users --key 42 --dry-run', 'see what would be replaced'],
    ['pgwitness pseudonymize users --key 42', 'do it, after a question'],
    ['pgwitness pseudonymize positions --key 42,ACME --yes', 'a key of two columns'],
    [
      'pgwitness pseudonymize positions --key user_id=42 --key symbol=ACME --yes',
      'the same, by their names',
    ],
  ],
  parameters: {
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Captured table', parse: String, placeholder: 'table' }],
    },
    flags: {
      config: configFlag,
      app: appFlag,
      key: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        brief: "The row's key: 42, 42,7, or a --key id=42 for each of its columns",
        placeholder: 'value',
      },
      also: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        optional: true,
        brief: 'Another column to replace, by the name that older images have it under',
        placeholder: 'column',
      },
      dryRun: {
        kind: 'boolean',
        brief: 'Only count what would be replaced',
        default: false,
        withNegated: false,
      },
      yes: {
        kind: 'boolean',
        brief: 'Do it without asking',
        default: false,
        withNegated: false,
      },
      json: jsonFlag,
    },
  },
  async run(cli, flags, written) {
    const { canAsk, confirm } = await import('../confirm.ts');
    const { openArchiver } = await import('../open-archiver.ts');
    const { subjectTable } = await import('../subject-table.ts');
    const { progressLine } = await import('../progress-line.ts');
    const { previewPseudonyms, pseudonymize } = await import('../../capture/pseudonymize.ts');
    if (!flags.dryRun && !flags.yes && !canAsk(cli)) {
      throw new PgwitnessError({
        code: 'cli.not-confirmed',
        message: 'There is no terminal to ask on, so nothing was done.',
        fix: 'Give --dry-run to see what would be replaced, --yes to replace it.',
        exit: 2,
      });
    }
    const { app, target, client, close } = await openArchiver(cli, flags);
    try {
      const table = subjectTable(written, app);
      const request = {
        target,
        table,
        key: flags.key,
        ...(flags.also !== undefined && { also: flags.also }),
      };
      if (!flags.yes || flags.dryRun) {
        const preview = await previewPseudonyms(client, request);
        if (flags.dryRun) {
          await print(cli, flags.json, { dryRun: true, ...preview });
          return 0;
        }
        cli.process.stderr.write(await text({ dryRun: true, ...preview }));
        if (preview.changed === 0 || !(await confirm(cli, 'Replace all this?'))) {
          if (flags.json) await print(cli, true, { dryRun: true, ...preview });
          cli.process.stderr.write('nothing was changed\n');
          return preview.changed === 0 ? 0 : 1;
        }
      }
      const progress = progressLine(cli);
      const report = await pseudonymize(client, request, {
        signal: cli.signal,
        onProgress: (done, of) => progress.show(`${done} of ${of} rows of history`),
        onRetry: (attempt, attempts) =>
          cli.process.stderr.write(
            `a lock is held by someone else (try ${attempt} of ${attempts}), waiting\n`,
          ),
      }).finally(() => progress.clear());
      await print(cli, flags.json, { dryRun: false, ...report });
      return 0;
    } finally {
      await close();
    }
  },
});

type Shown = PseudonymReport & { readonly dryRun: boolean };

async function print(cli: Cli, json: boolean, report: Shown): Promise<void> {
  cli.process.stdout.write(json ? `${JSON.stringify(report)}\n` : await text(report));
}

async function text(report: Shown): Promise<string> {
  const { oneLine } = await import('../../capture/plan-sql.ts');
  const { table, role, rows, changed, keys, columns, dryRun, notes } = report;
  const width = Math.max(...columns.map(({ column }) => oneLine(column).length));
  const lines = columns.map(({ column, replaced, emptied, tokens }) => {
    const told = [
      `${replaced} ${dryRun ? 'to replace' : 'replaced'}`,
      ...(emptied > 0 ? [`${emptied} ${dryRun ? 'to empty' : 'emptied'}`] : []),
      ...(tokens > 0 ? [`${tokens} tokens already`] : []),
    ];
    return `${oneLine(column).padEnd(width)}  ${told.join(', ')}`;
  });
  const under = keys === 1 ? 'one key' : `${keys} keys`;
  const held = rows === 1 ? '1 row' : `${rows} rows`;
  const did = `${changed} ${dryRun ? 'to change' : 'changed'}`;
  return [
    `${oneLine(table)}: ${held} of history under ${under}, ${did} by ${oneLine(role)}`,
    ...lines,
    ...notes.map((note) => `note: ${oneLine(note)}`),
    '',
  ].join('\n');
}
