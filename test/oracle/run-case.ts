import pg from 'pg';
import { takeBaseline } from '../../src/capture/baseline.ts';
import { installCapture } from '../../src/capture/install.ts';
import type { CaptureTarget } from '../../src/capture/target.ts';
import { PgwitnessError } from '../../src/error.ts';
import { compareChanges, type Difference, type ExpectedChange } from './compare.ts';
import { type DecodedChange, openSlot, readSlot } from './decoded-changes.ts';
import { Images } from './image.ts';
import { dutyOf, isDrifted, isMisleadingMerge, owesOrder } from './legitimate-gaps.ts';
import type { OracleDatabase, OracleWorld } from './oracle-world.ts';
import { readHistory } from './read-history.ts';
import { type Executed, type Place, runBefore, runWorkload } from './run-workload.ts';
import { schemaDdl } from './schema-plan.ts';
import { readSeenSchema, type SeenSchema, tableNumber } from './seen-schema.ts';
import type { Case } from './workload.ts';

/** All that happened in one case, and what is wrong with it. */
export interface CaseResult {
  readonly schema: string;
  readonly tables: readonly string[];
  readonly ddl: readonly string[];
  readonly before: readonly Executed[];
  readonly executed: readonly Executed[];
  readonly differences: readonly Difference[];
  /** Statements that capture made fail, or that it stood in the way of. */
  readonly broken: readonly Executed[];
  /** How many changes were compared, by table. */
  readonly compared: number;
}

/** Does what a test of the test does to history between the workload and the comparison. */
export type Meddle = (
  client: pg.Client,
  schema: string,
  tables: readonly string[],
) => Promise<void>;

let cases = 0;

/** Makes the schema, installs capture, runs the workload, and compares history with the WAL. */
export async function runCase(
  world: OracleWorld,
  given: Case,
  meddle: { readonly before?: Meddle; readonly after?: Meddle } = {},
): Promise<CaseResult> {
  try {
    return await runOn(world, given, meddle);
  } catch (error) {
    await world.abandon();
    throw error;
  }
}

async function runOn(
  world: OracleWorld,
  given: Case,
  meddle: { readonly before?: Meddle; readonly after?: Meddle },
): Promise<CaseResult> {
  const database = await world.database();
  const { control, owner } = database;
  cases += 1;
  const schema = `s${cases}${given.schema.suffix}`;
  const quoted = pg.escapeIdentifier(schema);
  const { statements, tables } = schemaDdl(given.schema, schema, world.version);
  const ddl = [
    `create schema ${quoted}`,
    `grant usage on schema ${quoted} to raptor_app`,
    ...statements,
  ];
  await owner.query(ddl.join(';\n'));
  const namespace = await oidOf(control, schema);
  const place = placeOf(world, database, schema, namespace, tables);
  const before = await runBefore(place, given.before);
  await installed(owner, targetOf(schema, tables));
  const slot = `oracle_${cases}`;
  const form = await readSeenSchema(control, namespace);
  if (given.baseline === 'first') await place.takeBaselines();
  await meddle.before?.(owner, schema, tables);
  await openSlot(control, slot);
  const executed = await runWorkload(place, given);
  const decoded = await readSlot(control, slot, schema);
  await meddle.after?.(control, schema, tables);
  const expected = await expectations(control, decoded, executed, form);
  const differences: Difference[] = [];
  for (const [number, table] of tables.entries()) {
    const told = await readHistory(control, schema, table);
    differences.push(...compareChanges(expected.filter(of(number)), told));
  }
  await leave(control, schema);
  return {
    schema,
    tables,
    ddl,
    before,
    executed,
    differences,
    broken: executed.filter(isBroken),
    compared: expected.length,
  };
}

function of(number: number): (change: ExpectedChange) => boolean {
  return ({ relation }) => tableNumber(relation) === number;
}

/** An error that speaks of capture's own objects: of a write that failed in them, or of DDL they forbade. */
function isBroken({ outcome }: Executed): boolean {
  if (outcome.kind !== 'failed') return false;
  const { message, detail, where, hint } = outcome.error;
  const told = [message, detail, where, hint].filter(Boolean).join('\n');
  // Another session's statement, or a cancel, may well hit a statement while capture runs.
  if (['57014', '40P01', '40001', '55P03'].includes(outcome.error.code ?? '')) return false;
  return /fn_capture_|_history|image_|pgwitness\./.test(told);
}

async function expectations(
  client: pg.Client,
  decoded: readonly DecodedChange[],
  executed: readonly Executed[],
  form: SeenSchema,
): Promise<ExpectedChange[]> {
  const images = await Images.of(
    client,
    decoded.map((change) => ({
      rows: [change.old, change.new],
      domains: executed[change.statement]?.seen.domains ?? {},
    })),
  );
  return decoded.map((change): ExpectedChange => {
    const made = executed[change.statement];
    if (made === undefined) throw new Error(`there is no statement ${change.statement}`);
    const { seen, seenAfter } = made;
    const table = (seenAfter ?? seen).tables.find(({ name }) => name === change.relation.name);
    const columns = change.new?.keys() ?? table?.columns.map(({ name }) => name) ?? [];
    const names = [...columns];
    const installed = executed
      .slice(0, change.statement)
      .findLast((entry) => entry.installed)?.seen;
    const drifted = isDrifted(tableNumber(change.relation.name), seen, installed ?? form);
    return {
      xid: change.xid,
      statement: change.statement,
      relation: change.relation.name,
      part: (table?.parent ?? null) !== null,
      operation: change.operation,
      before: change.old === undefined ? null : images.image(change.old, names, seen.domains),
      after: change.new === undefined ? null : images.image(change.new, names, seen.domains),
      key: table?.key ?? [],
      duty: dutyOf(change.relation.name, change.operation, seen, seenAfter),
      excused: isMisleadingMerge(made.statement.sql, table, drifted),
      ordered: table === undefined || owesOrder(table, drifted),
      nested: table?.nested ?? false,
      sessionRole: seen.sessionUser,
      activeRole: seen.role === 'none' ? seen.sessionUser : seen.role,
      applicationName: seen.applicationName,
    };
  });
}

function targetOf(schema: string, tables: readonly string[]): CaptureTarget {
  return {
    owner: 'raxx_owner',
    tables: tables.map((name) => ({ schema, name })),
    appendOnly: [],
    roles: [{ name: 'raptor_app', history: ['select'] }],
  };
}

async function installed(owner: pg.Client, target: CaptureTarget): Promise<void> {
  const { kind, plan } = await installCapture({ owner }, target);
  if (kind !== 'refused') return;
  const refused = plan.objects.filter(({ action }) => action === 'refuse');
  throw new Error(
    `capture was not installed: ${refused.map(({ name, why }) => `${name}: ${why}`).join('; ')}`,
  );
}

function placeOf(
  world: OracleWorld,
  { control, owner, baseline, sessions }: OracleDatabase,
  schema: string,
  namespace: string,
  tables: readonly string[],
): Place {
  let names = tables;
  let running = Promise.resolve('');
  return {
    control,
    schema,
    namespace,
    version: world.version,
    sessions,
    async reinstall(now) {
      try {
        names = now;
        const outcome = await installCapture({ owner }, targetOf(schema, names), { attempts: 1 });
        // After a RENAME it asks for the table's own name first: history goes on under the old one.
        return outcome.kind;
      } catch (error) {
        if (error instanceof PgwitnessError && error.code === 'capture.locked') return 'locked';
        throw error;
      }
    },
    takeBaselines() {
      // One after another: they share a connection, and one may run beside the workload.
      running = running.then(async () => {
        const target = targetOf(schema, names);
        const told: string[] = [];
        for (const table of target.tables) {
          try {
            const options = { now: Date.now, maxPages: 1, batchPauseMs: 1 };
            told.push((await takeBaseline(baseline, target, table, options)).outcome);
          } catch (error) {
            // It refuses a table that is not as installed; that is a finding of its own tests.
            if (!(error instanceof PgwitnessError)) throw error;
            told.push(error.code);
          }
        }
        return told.join(', ');
      });
      return running;
    },
  };
}

async function oidOf(client: pg.Client, schema: string): Promise<string> {
  const { rows } = await client.query<{ oid: string }>(
    'select oid::text from pg_namespace where nspname = $1',
    [schema],
  );
  return rows[0]?.oid ?? '';
}

async function leave(client: pg.Client, schema: string): Promise<void> {
  // Each table's lock stays to the end of the transaction, and a case with many leaves has many.
  await client.query(`drop schema ${pg.escapeIdentifier(schema)} cascade`);
  await client.query('delete from pgwitness.captured_table where table_schema = $1', [schema]);
}
