import type { TakenBaseline } from '../../capture/baseline.ts';
import type { Cli } from '../context.ts';
import { defineVerb } from '../define-verb.ts';
import { appFlag, configFlag, jsonFlag } from '../flags.ts';
import type { OpenCapture } from '../open-capture.ts';

interface Flags {
  readonly config: string;
  readonly app?: string;
  readonly baseline: boolean;
  readonly json: boolean;
}

export const installVerb = defineVerb<Flags>({
  brief: 'Install capture: history tables, triggers, grants, log_statement',
  detail: [
    'Makes what `pgwitness plan` shows: all in one transaction, or nothing. Running it again changes nothing, or puts right what was altered. Locks on tables in use are waited for one second at a time, so that no writer waits longer behind it.',
    'Then it takes the baseline of each table that is new, or of which capture had been off: an image of each row that is there already, in small batches that hold off nobody. It may take a while and may be stopped: the next run goes on from there.',
    'It binds whoever does not own the tables. The owner can take triggers off again: the application has to be another role.',
    'Exits 1 when all is installed but a log_statement that no connection given may set; 1 or 2 when something stands in the way.',
  ].join('\n\n'),
  examples: [
    ['pgwitness plan --app raxx-api-prod', 'see first what it would do'],
    ['pgwitness install --app raxx-api-prod', 'do it'],
    [
      'pgwitness install --app raxx-api-prod --no-baseline',
      'without reading what is there already; `pgwitness baseline` does that later',
    ],
  ],
  parameters: {
    flags: {
      config: configFlag,
      app: appFlag,
      baseline: {
        kind: 'boolean',
        brief: 'Take the baselines that are begun; --no-baseline leaves them for later',
        default: true,
      },
      json: jsonFlag,
    },
  },
  async run(cli, flags) {
    const { openCapture, refusedError } = await import('../open-capture.ts');
    const { installCapture } = await import('../../capture/install.ts');
    const { blockedObjects, driftOf, pendingObjects, refusedObjects } = await import(
      '../../capture/plan.ts'
    );
    const { objectLines, oneLine } = await import('../../capture/plan-sql.ts');
    const { showName } = await import('../../capture/capture-names.ts');
    const { takenLines } = await import('../take-baselines.ts');
    const { planJson } = await import('../../capture/plan-json.ts');
    const capture = await openCapture(cli, flags);
    try {
      const { kind, plan } = await installCapture(capture.connections, capture.target, {
        signal: cli.signal,
        onRetry: (attempt, attempts) =>
          cli.process.stderr.write(
            `a lock is held by someone else (try ${attempt} of ${attempts}), waiting\n`,
          ),
      });
      const blocked = blockedObjects(plan);
      const json = (baselines: readonly unknown[]) =>
        cli.process.stdout.write(
          `${JSON.stringify({ outcome: kind, ...planJson(plan), ...(kind !== 'refused' && { baselines }) })}\n`,
        );
      if (kind === 'refused') {
        if (flags.json) json([]);
        throw refusedError(refusedObjects(plan), capture.placeOf);
      }
      const print = (lines: readonly string[]) =>
        cli.process.stdout.write(lines.map((line) => `${line}\n`).join(''));
      if (!flags.json) {
        print([
          ...objectLines({ ...plan, objects: driftOf(plan) }),
          ...[...plan.notes, ...capture.notes].map((note) => `note: ${note}`),
          kind === 'nothing-to-do'
            ? `nothing to do: capture stands in the database ${plan.database}`
            : `installed in the database ${plan.database}: ${countOf(pendingObjects(plan).length)} made or put right`,
          ...(blocked.length > 0 ? [`not done: ${blocked.length}, see blocked above`] : []),
        ]);
      }
      // Capture stands, whatever becomes of this.
      const { taken, notes, failure } = flags.baseline
        ? await baselines(cli, capture)
        : { taken: [], notes: [], failure: undefined };
      if (flags.json) json(taken);
      else
        print(
          [...takenLines(taken, showName), ...notes.map((note) => `note: ${note}`)].map(oneLine),
        );
      if (failure !== undefined) throw failure;
      const stopped = taken.some(({ outcome }) => outcome === 'stopped');
      return blocked.length === 0 && !stopped ? 0 : 1;
    } finally {
      await capture.close();
    }
  },
});

/** Goes on with what was begun, now or by an earlier run; `failure` is what ended it. */
async function baselines(
  cli: Cli,
  capture: OpenCapture,
): Promise<{ taken: readonly TakenBaseline[]; notes: readonly string[]; failure?: unknown }> {
  const { lookAtBaselines, takeBaselines } = await import('../take-baselines.ts');
  const taken: TakenBaseline[] = [];
  try {
    const statuses = await lookAtBaselines(cli, capture, capture.target.tables);
    const notes = statuses
      .filter(({ due }) => due === 'begin')
      .map((status) => `${status.table}: ${status.notes[0]}: \`pgwitness baseline\``);
    for (const [index, table] of capture.target.tables.entries()) {
      if (statuses[index]?.due !== 'resume' || cli.signal.aborted) continue;
      taken.push(...(await takeBaselines(cli, capture, [table], { which: 'begun' })));
    }
    return { taken, notes };
  } catch (failure) {
    return { taken, notes: [], failure };
  }
}

function countOf(objects: number): string {
  return objects === 1 ? '1 object' : `${objects} objects`;
}
