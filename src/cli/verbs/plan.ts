import { PgwitnessError } from '../../error.ts';
import type { Cli } from '../context.ts';
import { defineVerb } from '../define-verb.ts';
import { appFlag, configFlag, jsonFlag } from '../flags.ts';

interface Flags {
  readonly config: string;
  readonly app?: string;
  readonly format: 'sql' | 'alembic';
  readonly revision?: string;
  readonly downRevision?: string;
  readonly message: string;
  readonly check: boolean;
  readonly json: boolean;
}

export const planVerb = defineVerb<Flags>({
  brief: 'Show what install would do, as SQL or as an Alembic revision',
  detail: [
    'Compares the database with the configuration, and changes nothing. Each object is told as create, adopt (made by another hand, and as it has to be), unchanged, change, refuse (nothing at all would be installed), or blocked (no connection given may do it). Needs a login, no right to write.',
    'Exits 0 when the plan could be made; 1 when something is refused, or, with --check, when anything is not unchanged; 2 when all that is refused is a fault of the configuration; 3 when the database can’t be reached.',
  ].join('\n\n'),
  examples: [
    ['pgwitness plan --app raxx-api-prod', 'what would change, and the SQL for psql'],
    [
      'pgwitness plan --app raxx-api-prod --format alembic --revision 0051 --down-revision 0050',
      'the same as a revision for Alembic',
    ],
    [
      'pgwitness plan --app raxx-api-prod --check',
      'for a timer: only what is not as it has to be, and exit 1 if anything is',
    ],
    ['pgwitness plan --json', 'for a program'],
  ],
  parameters: {
    flags: {
      config: configFlag,
      app: appFlag,
      format: {
        kind: 'enum',
        values: ['sql', 'alembic'],
        brief: 'A script for psql, or a Python file for Alembic',
        default: 'sql',
      },
      revision: {
        kind: 'parsed',
        parse: parseRevision,
        brief: 'With --format alembic: id of the revision',
        placeholder: 'id',
        optional: true,
      },
      downRevision: {
        kind: 'parsed',
        parse: parseRevision,
        brief: 'With --format alembic: id of the revision before it',
        placeholder: 'id',
        optional: true,
      },
      message: {
        kind: 'parsed',
        parse: String,
        brief: 'With --format alembic: what the revision says it does',
        placeholder: 'text',
        default: 'pgaudit-equivalent DML audit',
      },
      check: {
        kind: 'boolean',
        brief: 'Show only what is not as it has to be, and exit 1 if anything is',
        default: false,
        withNegated: false,
      },
      json: jsonFlag,
    },
  },
  async run(cli, flags) {
    const { openCapture, refusedError } = await import('../open-capture.ts');
    const { driftOf, planCapture, pendingObjects, refusedObjects } = await import(
      '../../capture/plan.ts'
    );
    const { databaseFailure } = await import('../../capture/server-error.ts');
    const named = revisionOf(flags);
    const capture = await openCapture(cli, flags);
    try {
      // A revision runs on the database of every app that has these tables.
      const { app, ...unnamed } = capture.target;
      const target = named === undefined ? capture.target : unnamed;
      const plan = await planCapture(capture.connections, target).catch((error: unknown) => {
        throw databaseFailure(error, 'looking at the database');
      });
      tell(cli, capture.notes);
      const refusals = refusedObjects(plan);
      const drift = driftOf(plan);
      if (flags.json) {
        const { planJson } = await import('../../capture/plan-json.ts');
        const shown = flags.check ? { ...plan, objects: drift } : plan;
        cli.process.stdout.write(`${JSON.stringify(planJson(shown))}\n`);
      } else if (flags.check) {
        const { objectLines } = await import('../../capture/plan-sql.ts');
        const lines =
          drift.length === 0
            ? [`capture in the database ${plan.database} is as it has to be`]
            : objectLines({ ...plan, objects: drift });
        cli.process.stdout.write(`${lines.join('\n')}\n`);
      } else if (named === undefined) {
        const { planSql } = await import('../../capture/plan-sql.ts');
        cli.process.stdout.write(planSql(plan));
      } else if (refusals.length === 0 && pendingObjects(plan).length === 0) {
        tell(cli, ['Nothing to do, so there is no revision to write.']);
      } else if (refusals.length === 0) {
        const { planAlembic } = await import('../../capture/plan-alembic.ts');
        cli.process.stdout.write(planAlembic(plan, named));
      }
      if (refusals.length > 0) throw refusedError(refusals, capture.placeOf);
      return flags.check && drift.length > 0 ? 1 : 0;
    } finally {
      await capture.close();
    }
  },
});

function parseRevision(text: string): string {
  if (!/^[A-Za-z0-9_]{1,32}$/.test(text)) {
    throw new Error('must be 1 to 32 letters, digits or underscores');
  }
  return text;
}

/** What names the revision; undefined where none is asked for. */
function revisionOf({ format, revision, downRevision, message, check, json }: Flags) {
  const fault = (text: string, fix: string) =>
    new PgwitnessError({ code: 'cli.usage', message: text, fix, exit: 2 });
  if (format === 'sql') {
    if (revision === undefined && downRevision === undefined) return undefined;
    throw fault('Only an Alembic revision has an id.', 'Add --format alembic.');
  }
  for (const [flag, given] of [
    ['--json', json],
    ['--check', check],
  ]) {
    if (given === true) {
      throw fault(`${flag} and --format alembic exclude each other.`, 'Leave one of them out.');
    }
  }
  if (revision === undefined) {
    throw fault('An Alembic revision needs an id.', 'Give it with --revision, e.g. 0051.');
  }
  return { revision, downRevision, message };
}

function tell(cli: Cli, notes: readonly string[]): void {
  for (const note of notes) cli.process.stderr.write(`${note}\n`);
}
