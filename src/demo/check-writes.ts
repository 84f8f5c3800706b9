import { setTimeout as sleep } from 'node:timers/promises';
import { connectDatabase } from '../capture/connect.ts';
import type { Archive } from '../sink/sink.ts';
import { scanRecords } from '../trail/scan-records.ts';
import type { Application } from './application.ts';

export interface WritesFound {
  readonly ok: boolean;
  /** Writes that the application saw committed. */
  readonly committed: number;
  /** Committed writes whose statement stands in the archive exactly once. */
  readonly once: number;
  /** The others, by token: how often each stands there. */
  readonly wrong: readonly { readonly token: string; readonly times: number }[];
  /** Row changes of `users` that the application committed, and rows of its history. */
  readonly changes: number;
  readonly history: number;
}

/**
 * Holds what the application saw committed against the archive and against history. Looks again
 * until all of it has arrived or the deadline (epoch milliseconds) is over.
 */
export async function checkWrites(given: {
  readonly archive: Archive;
  readonly prefix: string;
  readonly application: Application;
  readonly ownerUrl: string;
  readonly since: number;
  readonly deadline: number;
  readonly now: () => number;
  readonly signal: AbortSignal;
}): Promise<WritesFound> {
  const { committed } = given.application;
  let times = await countTokens(given);
  const missing = () => [...committed].some((token) => !times.has(token));
  while (missing() && given.now() < given.deadline) {
    await sleep(200, undefined, { signal: given.signal });
    times = await countTokens(given);
  }
  const wrong = [...committed]
    .map((token) => ({ token, times: times.get(token) ?? 0 }))
    .filter((found) => found.times !== 1);
  const changes = given.application.changes.get('users') ?? 0;
  const history = await countHistory(given.ownerUrl);
  const { uncertain } = given.application;
  return {
    ok: wrong.length === 0 && history >= changes && history <= changes + uncertain,
    committed: committed.size,
    once: committed.size - wrong.length,
    wrong,
    changes,
    history,
  };
}

/** How many statements of the archive hold each of the application's tokens. */
async function countTokens(given: {
  readonly archive: Archive;
  readonly prefix: string;
  readonly since: number;
  readonly now: () => number;
  readonly signal: AbortSignal;
}): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for await (const entry of scanRecords(given.archive, {
    prefix: given.prefix,
    since: given.since,
    until: given.now() + 60_000,
    signal: given.signal,
    keep: (record) => record.kind === 'statement',
  })) {
    if (entry.type !== 'record') continue;
    // In the statement where it was sent as text, among the parameters where it was bound.
    const text = `${entry.record.statement ?? ''} ${entry.record.detail ?? ''}`;
    for (const [token] of text.matchAll(/demo-[0-9]{6}/g))
      times.set(token, (times.get(token) ?? 0) + 1);
  }
  return times;
}

async function countHistory(ownerUrl: string): Promise<number> {
  const owner = await connectDatabase(ownerUrl, "the owner's connection");
  try {
    const { rows } = await owner.query<{ count: number }>(
      "select count(*)::int as count from users_history where session_role = 'raptor_app'",
    );
    return rows[0]?.count ?? 0;
  } finally {
    await owner.end();
  }
}
