import { setTimeout as sleep } from 'node:timers/promises';
import pc from 'picocolors';
import { runSmoke, type SmokeOptions, type SmokeReport } from '../checks/smoke.ts';
import { failureModes, type SmokeStage } from '../checks/smoke-stage.ts';
import type { AppConfig, SmokeConfig } from '../config/config.ts';
import { PgwitnessError } from '../error.ts';
import type { Cli } from './context.ts';
import { harmlessJson, harmlessText, wrapText } from './harmless-text.ts';

/**
 * What the smoke test of an app needs of its configuration; `withinMs` goes before `smoke.within`.
 * Throws `cli.no-smoke`, exit 2, naming the key that is missing.
 */
export function smokeOf(
  app: AppConfig,
  withinMs: number | undefined,
): { readonly smoke: SmokeConfig; readonly appUrlEnv: string } {
  const { smoke } = app;
  const { appUrlEnv } = app.database;
  const missing = smoke === undefined ? 'smoke' : 'database.app_url_env';
  if (smoke === undefined || appUrlEnv === undefined) {
    throw new PgwitnessError({
      code: 'cli.no-smoke',
      message: `The app ${app.name} has no ${missing} in the configuration, so there is nothing to test with.`,
      fix:
        smoke === undefined
          ? 'Add `smoke` with an event and a trigger row, as examples/raxx/pgwitness.yaml has it.'
          : "Name the environment variable that holds the application's own connection URL.",
      exit: 2,
    });
  }
  return { appUrlEnv, smoke: withinMs === undefined ? smoke : { ...smoke, withinMs } };
}

/** Runs the smoke test and prints each stage as it happens, or the report as JSON. */
export async function printSmoke(
  cli: Cli,
  json: boolean,
  given: Pick<SmokeOptions, 'appUrl' | 'ownerUrl' | 'archive' | 'prefix' | 'smoke' | 'tokens'>,
): Promise<0 | 1> {
  const paint = pc.createColors(cli.terminal);
  const print = (line: string) => cli.process.stdout.write(`${line}\n`);
  const report = await runSmoke({
    ...given,
    now: cli.now,
    sleep,
    signal: cli.signal,
    onStage: (stage) => {
      if (!json) for (const line of stageLines(stage, paint)) print(line);
    },
  });
  if (json) print(harmlessJson(report));
  else for (const line of closingLines(report, paint)) print(line);
  return report.ok ? 0 : 1;
}

type Paint = ReturnType<typeof pc.createColors>;

const columns = 80;

function stageLines(stage: SmokeStage, paint: Paint): string[] {
  const mark = stage.ok ? paint.green('✓') : paint.red('✗');
  const time = paint.dim(seconds(stage.ms).padStart(8));
  const { failure } = stage;
  return [
    `${mark} ${time}  ${harmlessText(stage.title)}`,
    ...block('', stage.evidence),
    ...(failure === undefined
      ? []
      : [
          ...block(
            failure.mode === undefined
              ? 'means '
              : `failure mode ${failure.mode} (${failureModes[failure.mode]}): `,
            failure.meaning,
          ),
          ...block('next  ', failure.next),
        ]),
  ];
}

/** Below a stage's title, as wide as the screen allows. */
function block(label: string, text: string): string[] {
  const indent = ' '.repeat(12);
  return wrapText(`${label}${harmlessText(text)}`, columns - indent.length).map(
    (line) => `${indent}${line}`,
  );
}

function closingLines(report: SmokeReport, paint: Paint): string[] {
  const missing = paint.red('not found');
  const rows = [
    ['tracer event', harmlessText(report.event)],
    // Never broken, however long: it is there to be copied.
    ['object', report.objectKey ?? missing],
    ['lag, write to found', report.lagMs === undefined ? '–' : seconds(report.lagMs)],
    ['row in history', report.historyId ?? missing],
  ];
  const notes = report.notes.flatMap((note) => wrapText(harmlessText(note), columns));
  return [
    '',
    ...rows.map(([name = '', value]) => `${paint.bold(name.padEnd(20))} ${value}`),
    '',
    ...notes,
    report.ok
      ? paint.green('Proven: what the application writes leaves the database and can be found.')
      : paint.red('Not proven: see the stages marked ✗ above.'),
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
