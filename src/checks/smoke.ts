import type { SmokeConfig } from '../config/config.ts';
import { showTable } from '../config/table-name.ts';
import type { Tokens } from '../redact/token.ts';
import type { Archive } from '../sink/sink.ts';
import { withDatabase } from './ask-database.ts';
import { awaitTracer, type Sleep } from './await-tracer.ts';
import { clean, proveHistory } from './prove-history.ts';
import { failed, type Outcome, type SmokeStage } from './smoke-stage.ts';
import { fillRow, makeNonce, tracerTexts } from './tracer.ts';
import { watchArchive } from './watch-archive.ts';
import { markOf, writeTracer } from './write-tracer.ts';

export interface SmokeOptions {
  /** The application's own login. */
  readonly appUrl: string;
  readonly ownerUrl: string;
  readonly archive: Archive;
  /** The app's folder below `logs/`. */
  readonly prefix: string;
  readonly smoke: SmokeConfig;
  /** Where the receiver redacts: what values stand as in the archive. Then none may stand there itself. */
  readonly tokens?: Pick<Tokens, 'token'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly sleep: Sleep;
  /** Told of each stage before it begins. */
  readonly onBegin?: (stage: Pick<SmokeStage, 'id' | 'title'>) => void;
  /** Told of each stage when it is over. */
  readonly onStage?: (stage: SmokeStage) => void;
  readonly signal?: AbortSignal;
}

export interface SmokeReport {
  /** Every stage but the cleaning succeeded. */
  readonly ok: boolean;
  readonly stages: readonly SmokeStage[];
  /** By what the tracer is found in its table: the value that holds the nonce. */
  readonly event: string;
  /** The object in which the tracer's statement was found. */
  readonly objectKey?: string;
  /** Milliseconds from the tracer's write to its being found. */
  readonly lagMs?: number;
  /** `id` of the row in history, its time where it has none. */
  readonly historyId?: string;
  /** What else the reader should know: what stays behind, a login that should be another. */
  readonly notes: readonly string[];
}

/**
 * The runbook's smoke test: writes a tracer as the application, finds its statement in the archive,
 * writes a row as the owner, finds it in history, takes that row away. Each statement stands alone:
 * no transaction is held open. What fails is a stage of the report; thrown is only PgwitnessError
 * where a database (both logins are tried before anything is written) or the archive can't be reached.
 */
export async function runSmoke(options: SmokeOptions): Promise<SmokeReport> {
  const { smoke, tokens, now, signal } = options;
  const nonce = makeNonce();
  const event = fillRow(smoke.event.row, nonce, now());
  const mark = markOf(event, nonce);
  const eventTable = showTable(smoke.event.table);
  const triggerTable = showTable(smoke.trigger.table);
  const stages: SmokeStage[] = [];
  const stage = async <Found>(
    id: SmokeStage['id'],
    title: string,
    work: () => Promise<Outcome<Found>>,
  ): Promise<Found | undefined> => {
    options.onBegin?.({ id, title });
    const begin = now();
    const outcome = await work();
    const { ok, evidence } = outcome;
    const over: SmokeStage = {
      ...{ id, title, ok, ms: now() - begin, evidence },
      ...(outcome.ok ? {} : { failure: outcome.failure }),
    };
    stages.push(over);
    options.onStage?.(over);
    return outcome.ok ? outcome.found : undefined;
  };

  const owner = "the owner's connection";
  const ownerRole = await withDatabase(options.ownerUrl, owner, signal, async (ask) => {
    const [session] = await ask<{ role: string }>('select session_user::text as role');
    return session?.role;
  });
  const watch = await watchArchive(
    options.archive,
    options.prefix,
    tracerTexts(event, nonce, tokens),
    now,
  );
  const tracer = await stage('write', `write the tracer ${mark}`, () =>
    withDatabase(options.appUrl, "the application's connection", signal, (ask) =>
      writeTracer(ask, smoke.event, event),
    ),
  );
  const sought = tokens === undefined ? 'statement' : 'statement, redacted,';
  const found = await stage('archive', `find its ${sought} in the archive`, async () =>
    tracer === undefined
      ? failed('not looked for', {
          meaning: "The tracer was not written, so it can't arrive.",
          next: 'See the stage before.',
        })
      : awaitTracer({
          ...options,
          ...{ watch, tracer, withinMs: smoke.withinMs, signal },
          secret: tokens === undefined ? undefined : nonce,
        }),
  );

  const notes: string[] = [];
  if (tracer !== undefined) notes.push(`The tracer ${mark} stays in ${eventTable}.`);
  if (tracer !== undefined && tracer.role === ownerRole) {
    notes.push(
      `The application logs in as the owner, ${tracer.role}: it can switch capture off. Give it a role of its own.`,
    );
  }
  let historyId: string | undefined;
  if (signal?.aborted !== true) {
    historyId = await withDatabase(options.ownerUrl, owner, undefined, async (ask) => {
      const row = fillRow(smoke.trigger.row, nonce, now());
      let inserted: Awaited<ReturnType<typeof proveHistory>>['inserted'];
      const history = await stage(
        'history',
        `find a row of ${triggerTable} in its history`,
        async () => {
          const proven = await proveHistory(ask, smoke.trigger, row, nonce);
          inserted = proven.inserted;
          return proven.outcome;
        },
      );
      const left = inserted;
      if (left !== undefined) {
        await stage('clean', `delete the row of ${triggerTable}`, () =>
          clean(ask, smoke.trigger, left, nonce),
        );
      }
      return history?.historyId;
    });
  }
  return {
    ok: tracer !== undefined && found !== undefined && historyId !== undefined,
    stages,
    event: mark,
    ...(found === undefined ? {} : { objectKey: found.objectKey, lagMs: found.lagMs }),
    ...(historyId === undefined ? {} : { historyId }),
    notes,
  };
}
