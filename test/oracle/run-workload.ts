import type pg from 'pg';
import { type Entropy, Picks } from './picks.ts';
import {
  renderCte,
  renderDo,
  renderFunction,
  renderNested,
  renderPrepare,
  renderProcedure,
} from './render-block.ts';
import { partitionDrifts, tableDrifts } from './render-drift.ts';
import {
  isCaptured,
  type Rendering,
  renderBound,
  renderCopy,
  renderDelete,
  renderInsert,
  renderInsertSelect,
  renderMerge,
  renderTruncate,
  renderUpdate,
  renderUpsert,
  type Statement,
} from './render-write.ts';
import type { SeenSchema } from './seen-schema.ts';
import type { Outcome, Session } from './session.ts';
import { renderSetting } from './session-settings.ts';
import type { Case, Step, StepKind } from './workload.ts';

/** A statement that was sent, and what was known around it. */
export interface Executed {
  /** Its place in `Run.executed`, and its mark in the WAL. */
  readonly number: number;
  readonly session: string;
  readonly statement: Statement;
  /** As the session saw it right before; and after, where it had to wait for another session. */
  readonly seen: SeenSchema;
  seenAfter?: SeenSchema;
  outcome: Outcome | { readonly kind: 'waiting' };
  /** Capture was installed again, on the tables as `seen`. */
  readonly installed?: true;
}

/** Where a workload runs. */
export interface Place {
  readonly control: pg.Client;
  readonly schema: string;
  /** Oid of the schema. */
  readonly namespace: string;
  readonly version: number;
  /** The owner's first. */
  readonly sessions: readonly Session[];
  /** Installs capture again, on the tables as they are called now. Tells what came of it. */
  reinstall(
    tables: readonly string[],
  ): Promise<'installed' | 'nothing-to-do' | 'refused' | 'locked'>;
  /** Takes baselines of the tables where they need one. Tells what came of it. */
  takeBaselines(): Promise<string>;
}

/** Runs the steps before capture is installed: they only insert, as the owner. */
export async function runBefore(place: Place, steps: readonly Step[]): Promise<Executed[]> {
  const workload = new Workload(place);
  for (const step of steps) await workload.step(step, true);
  await workload.finish();
  return workload.executed;
}

/** Runs a case's steps to their end. Every session ends its transaction; nothing waits any more. */
export async function runWorkload(place: Place, given: Case): Promise<Executed[]> {
  const workload = new Workload(place);
  await workload.begin(given.settings, given.isolation);
  const beside = given.baseline === 'beside' ? place.takeBaselines() : undefined;
  for (const step of given.steps) await workload.step(step, false);
  await workload.finish();
  if (beside !== undefined)
    workload.note(`baseline, begun with the first statement: ${await beside}`);
  return workload.executed;
}

class Workload {
  readonly executed: Executed[] = [];
  private readonly place: Place;
  private readonly waiting = new Map<Session, Executed>();
  private readonly sessions: readonly Session[];
  private stepNumber = 0;

  constructor(place: Place) {
    this.place = place;
    this.sessions = place.sessions;
  }

  async begin(settings: readonly Entropy[], isolation: Case['isolation']): Promise<void> {
    for (const session of this.sessions) {
      if (isolation !== 'read committed') {
        await this.send(session, { sql: `set default_transaction_isolation to '${isolation}'` });
      }
    }
    for (const [index, entropy] of settings.entries()) {
      const session = this.sessions[index % this.sessions.length];
      if (session !== undefined) {
        await this.send(session, { sql: renderSetting(new Picks(entropy), false) });
      }
    }
  }

  async step(step: Step, before: boolean): Promise<void> {
    this.stepNumber += 1;
    const session = this.sessions[step.kind.includes('drift') ? 0 : step.session];
    if (session === undefined || session.isWaiting) return;
    if (session.state === 'failed') return this.leaveFailed(session);
    const picks = new Picks(step);
    const control = controlSql(step.kind, session, picks, this.stepNumber);
    if (control !== undefined) {
      for (const sql of control) await this.send(session, { sql });
      return;
    }
    if (step.kind === 'install') return this.install();
    if (step.kind === 'baseline') return this.takeBaselines();
    const seen = await session.see(this.place.namespace);
    const tables = seen.tables.filter((table) => before || isCaptured(table));
    if (tables.length === 0) return;
    const rendering: Rendering = {
      picks,
      // Before capture every table is there to be written.
      seen: before
        ? { ...seen, tables: seen.tables.map((table) => ({ ...table, captured: [0] })) }
        : seen,
      schema: `"${this.place.schema.replaceAll('"', '""')}"`,
      version: this.place.version,
      step: this.stepNumber,
    };
    for (const statement of statementsOf(step.kind, rendering, session)) {
      const outcome = await this.send(session, statement);
      if (outcome !== 'done') return;
    }
  }

  /** Ends every transaction, waits until nothing waits, and leaves the sessions as new. */
  async finish(): Promise<void> {
    for (let round = 0; round < 20; round += 1) {
      for (const session of this.sessions) {
        if (session.isWaiting) continue;
        if (session.state !== 'idle') await this.send(session, { sql: 'commit' });
      }
      await this.settleWaiting();
      if (this.isIdle()) {
        for (const session of this.sessions) await session.reset();
        return;
      }
      // Two that wait for each other: the server ends one of them after deadlock_timeout.
      const stuck = this.sessions.find((session) => session.isWaiting);
      if (round > 10 && stuck !== undefined) await stuck.cancel();
    }
    throw new Error(
      'a workload did not come to its end: a session still waits or has a transaction',
    );
  }

  /** Puts what pgwitness did among the statements. */
  note(told: string, installed?: SeenSchema): void {
    this.executed.push({
      ...(installed === undefined ? {} : { installed: true }),
      number: this.executed.length,
      session: 'owner',
      statement: { sql: `-- pgwitness ${told}` },
      seen: installed ?? nothingSeen,
      outcome: { kind: 'done' },
    });
  }

  private isIdle(): boolean {
    return this.sessions.every((session) => !session.isWaiting && session.state === 'idle');
  }

  private async leaveFailed(session: Session): Promise<void> {
    const savepoint = session.savepoints.at(-1);
    await this.send(session, {
      sql: savepoint === undefined ? 'rollback' : `rollback to ${savepoint}`,
    });
    if (savepoint === undefined) session.savepoints.length = 0;
  }

  private async install(): Promise<void> {
    // It would wait for every transaction that holds a lock on a table, and there is nobody to end it.
    if (!this.isIdle()) return;
    const owner = this.sessions[0];
    if (owner === undefined) return;
    const seen = await owner.see(this.place.namespace);
    const tables = seen.tables.filter(
      ({ parent, columns }) => parent === null && columns.length > 0,
    );
    const told = await this.place.reinstall(
      tables.filter(({ name }) => !/_[an]\d+$|_p\d/.test(name)).map(({ name }) => name),
    );
    const after = await owner.see(this.place.namespace);
    const done = told === 'installed' || told === 'nothing-to-do';
    this.note(`install: ${told}`, done ? after : undefined);
  }

  private async takeBaselines(): Promise<void> {
    if (this.isIdle()) this.note(`baseline: ${await this.place.takeBaselines()}`);
  }

  private async send(session: Session, given: Statement): Promise<'done' | 'failed' | 'waiting'> {
    if (session.state === 'failed' && !/^(rollback|commit)/.test(given.sql)) return 'failed';
    const seen = session.state === 'failed' ? nothingSeen : await session.see(this.place.namespace);
    const statement = encoded(given, seen.clientEncoding);
    if (statement === undefined) return 'done';
    const entry: Executed = {
      number: this.executed.length,
      session: session.label,
      statement,
      seen,
      outcome: { kind: 'waiting' },
    };
    this.executed.push(entry);
    const outcome = await session.run(entry.number, statement);
    if (outcome === 'waiting') {
      this.waiting.set(session, entry);
      await this.settleWaiting();
      return 'waiting';
    }
    entry.outcome = outcome;
    if (session.state === 'idle') session.savepoints.length = 0;
    await this.settleWaiting();
    return outcome.kind === 'done' ? 'done' : 'failed';
  }

  /** Looks after each statement whether it let another go on. */
  private async settleWaiting(): Promise<void> {
    for (let again = true; again; ) {
      again = false;
      for (const [session, entry] of this.waiting) {
        const outcome = await session.settle();
        if (outcome === undefined) continue;
        entry.outcome = outcome;
        if (session.state !== 'failed') entry.seenAfter = await session.see(this.place.namespace);
        this.waiting.delete(session);
        again = true;
      }
    }
  }
}

const nothingSeen: SeenSchema = {
  tables: [],
  domains: {},
  sessionUser: '',
  role: 'none',
  applicationName: '',
  clientEncoding: 'UTF8',
};

function controlSql(
  kind: StepKind,
  session: Session,
  picks: Picks,
  step: number,
): string[] | undefined {
  const inside = session.state === 'open';
  const savepoint = session.savepoints.at(-1);
  switch (kind) {
    case 'begin':
      return inside ? [] : ['begin'];
    case 'commit':
    case 'rollback':
      return inside ? [kind] : [];
    case 'savepoint': {
      if (!inside) return ['begin'];
      session.savepoints.push(`s${step}`);
      return [`savepoint s${step}`];
    }
    case 'rollback to':
      return inside && savepoint !== undefined ? [`rollback to ${savepoint}`] : [];
    case 'release':
      if (!inside || savepoint === undefined) return [];
      session.savepoints.pop();
      return [`release ${savepoint}`];
    case 'setting':
      return [renderSetting(picks, inside)];
    default:
      return undefined;
  }
}

function statementsOf(kind: StepKind, given: Rendering, session: Session): Statement[] {
  const { picks, seen, step } = given;
  const one = (sql: string) => [{ sql }];
  switch (kind) {
    case 'insert':
      return one(renderInsert(given));
    case 'insert select':
      return one(renderInsertSelect(given));
    case 'update':
      return one(renderUpdate(given));
    case 'delete':
      return one(renderDelete(given));
    case 'upsert':
      return one(renderUpsert(given));
    case 'merge':
      return one(renderMerge(given));
    case 'copy':
      return [renderCopy(given)];
    case 'bound':
      return [renderBound(given)];
    case 'truncate':
      return picks.chance(50) ? one(renderTruncate(given)) : one(renderDelete(given));
    case 'cte':
      return one(renderCte(given));
    case 'do':
      return one(renderDo(given));
    case 'function':
      return one(renderFunction(given));
    case 'nested':
      return one(renderNested(given));
    case 'procedure':
      // It may only commit where no transaction was begun around it.
      return session.state === 'open'
        ? one(renderDo(given))
        : [{ sql: renderProcedure(given) }, { sql: `call pg_temp.p${step}()` }];
    case 'prepare':
      session.prepared.push(`p${step}`);
      return [{ sql: renderPrepare(given) }, { sql: `execute p${step}` }];
    case 'execute': {
      const prepared = session.prepared.at(-1);
      return prepared === undefined ? one(renderInsert(given)) : one(`execute ${prepared}`);
    }
    default: {
      const tops = seen.tables.filter(
        ({ parent, captured }) => parent === null && captured.length > 0,
      );
      const partitioned = tops.filter((table) => table.partitioned);
      if (kind === 'partition drift' && partitioned.length > 0) {
        return picks
          .of(partitionDrifts)(given, picks.of(partitioned))
          .map((sql) => ({ sql }));
      }
      return picks
        .of(tableDrifts)(given, picks.of(tops))
        .map((sql) => ({ sql }));
    }
  }
}

/** A statement that a session of this client_encoding can send: node-postgres itself always sends UTF-8. */
function encoded(statement: Statement, encoding: string): Statement | undefined {
  const texts = [statement.sql, statement.data ?? '', ...(statement.values ?? [])];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII begins with them
  if (encoding === 'UTF8' || texts.every((text) => /^[\x00-\x7f]*$/.test(text ?? ''))) {
    return statement;
  }
  if (statement.data !== undefined || statement.values !== undefined) return undefined;
  const hex = Buffer.from(statement.sql).toString('hex');
  return { sql: `do $x$ begin execute convert_from('\\x${hex}', 'UTF8'); end $x$` };
}
