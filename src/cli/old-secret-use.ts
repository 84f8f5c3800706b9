import type { ReceiverConfig } from '../config/config.ts';

/** When a drain last came with the password before the present one, as far as can be told from here. */
export type OldUse =
  | {
      readonly kind: 'told';
      /** Where the receiver was asked. */
      readonly at: string;
      /** Epoch milliseconds; undefined where it was not used since the receiver started. */
      readonly usedAt?: number;
      /** Epoch milliseconds. */
      readonly startedAt?: number;
    }
  | { readonly kind: 'unknown'; readonly at: string };

/** The receiver is on this machine or near: one that is there answers at once. */
const patienceMs = 2_000;
const lastUse = /^pgwitness_old_secret_used_timestamp_seconds\{user="([^"]+)"\} (\d+(?:\.\d+)?)/gm;
const startTime = /^process_start_time_seconds (\d+(?:\.\d+)?)/m;

/** Asks the receiver's metrics when one of `users` last came with an old password. */
export async function readOldUse(
  { host, port }: Pick<ReceiverConfig, 'host' | 'port'>,
  users: readonly string[],
): Promise<OldUse> {
  // It listens on every address: this machine's own is one of them.
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const at = `${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
  let text = '';
  try {
    const answer = await fetch(`http://${at}/metrics`, {
      signal: AbortSignal.timeout(patienceMs),
      redirect: 'error',
    });
    if (answer.ok) text = await answer.text();
  } catch {
    return { kind: 'unknown', at };
  }
  // Another server may be listening there.
  if (!text.includes('# TYPE pgwitness_')) return { kind: 'unknown', at };
  const used = [...text.matchAll(lastUse)].flatMap(([, user, seconds]) =>
    user !== undefined && users.includes(user) ? [Number(seconds)] : [],
  );
  const started = startTime.exec(text)?.[1];
  return {
    kind: 'told',
    at,
    ...(used.length > 0 && { usedAt: Math.max(...used) * 1000 }),
    ...(started !== undefined && { startedAt: Number(started) * 1000 }),
  };
}

/** A sentence about the use of the old password in `variable`. */
export function showOldUse(use: OldUse, variable: string): string {
  if (use.kind === 'unknown') {
    return `When ${variable} was last used can't be told: no receiver answers at ${use.at}. \`heroku drains\` shows which drains still have it.`;
  }
  if (use.usedAt !== undefined) {
    return `${variable} was last used at ${iso(use.usedAt)}, as the receiver at ${use.at} tells.`;
  }
  const since = use.startedAt === undefined ? '' : ` at ${iso(use.startedAt)}`;
  return `${variable} was not used since the receiver at ${use.at} started${since}.`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
