import { defineVerb } from '../define-verb.ts';
import { appFlag, configFlag, jsonFlag } from '../flags.ts';

export const installVerb = defineVerb<{ config: string; app?: string; json: boolean }>({
  brief: 'Install capture: history tables, triggers, grants, log_statement',
  detail: [
    'Makes what `pgwitness plan` shows: all in one transaction, or nothing. Running it again changes nothing, or puts right what was altered. Locks on tables in use are waited for one second at a time, so that no writer waits longer behind it.',
    'It binds whoever does not own the tables. The owner can take triggers off again: the application has to be another role.',
    'Exits 1 when all is installed but a log_statement that no connection given may set; 1 or 2 when something stands in the way.',
  ].join('\n\n'),
  examples: [
    ['pgwitness plan --app raxx-api-prod', 'see first what it would do'],
    ['pgwitness install --app raxx-api-prod', 'do it'],
  ],
  parameters: { flags: { config: configFlag, app: appFlag, json: jsonFlag } },
  async run(cli, flags) {
    const { openCapture, refusedError } = await import('../open-capture.ts');
    const { installCapture } = await import('../../capture/install.ts');
    const { blockedObjects, driftOf, pendingObjects, refusedObjects } = await import(
      '../../capture/plan.ts'
    );
    const { objectLines } = await import('../../capture/plan-sql.ts');
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
      if (flags.json) {
        cli.process.stdout.write(`${JSON.stringify({ outcome: kind, ...planJson(plan) })}\n`);
      }
      if (kind === 'refused') throw refusedError(refusedObjects(plan), capture.placeOf);
      const blocked = blockedObjects(plan);
      if (flags.json) return blocked.length === 0 ? 0 : 1;
      const lines = [
        ...objectLines({ ...plan, objects: driftOf(plan) }),
        ...[...plan.notes, ...capture.notes].map((note) => `note: ${note}`),
        kind === 'nothing-to-do'
          ? `nothing to do: capture stands in the database ${plan.database}`
          : `installed in the database ${plan.database}: ${countOf(pendingObjects(plan).length)} made or put right`,
      ];
      if (blocked.length > 0) lines.push(`not done: ${blocked.length}, see blocked above`);
      cli.process.stdout.write(`${lines.join('\n')}\n`);
      return blocked.length === 0 ? 0 : 1;
    } finally {
      await capture.close();
    }
  },
});

function countOf(objects: number): string {
  return objects === 1 ? '1 object' : `${objects} objects`;
}
