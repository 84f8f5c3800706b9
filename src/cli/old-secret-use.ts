import type { ReceiverConfig } from '../config/config.ts';
import { unclaimedPrefix } from '../receive/access-list.ts';

/** How often drains have come with the password before the present one, as far as can be told from here. */
export type OldUse =
  | {
      readonly kind: 'counted';
      /** Where the receiver was asked. */
      readonly at: string;
      /** Frames since it started. */
      readonly frames: number;
      /** When it started, in epoch milliseconds. */
      readonly startedAt?: number;
    }
  | { readonly kind: 'unknown'; readonly at: string };

/** The receiver is on this machine or near: one that is there answers at once. */
const patienceMs = 2_000;
const counter = /^pgwitness_old_secret_frames_total\{prefix="([^"]+)"\} (\d+)/gm;
const startTime = /^process_start_time_seconds (\d+(?:\.\d+)?)/m;

/** Asks the receiver's metrics for those of `prefixes`, and of frames that nobody claimed for `user`. */
export async function readOldUse(
  { host, port }: Pick<ReceiverConfig, 'host' | 'port'>,
  prefixes: readonly string[],
  user: string,
): Promise<OldUse> {
  // It listens on every address: this machine's own is one of them.
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const at = `${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
  let text: string;
  try {
    const answer = await fetch(`http://${at}/metrics`, {
      signal: AbortSignal.timeout(patienceMs),
      redirect: 'error',
    });
    text = answer.ok ? await answer.text() : '';
  } catch {
    return { kind: 'unknown', at };
  }
  // Another server may be listening there.
  if (!text.includes('# TYPE pgwitness_')) return { kind: 'unknown', at };
  const asked = new Set([...prefixes, unclaimedPrefix(user)]);
  const frames = [...text.matchAll(counter)]
    .filter(([, prefix]) => prefix !== undefined && asked.has(prefix))
    .reduce((sum, [, , count]) => sum + Number(count), 0);
  const started = startTime.exec(text)?.[1];
  return {
    kind: 'counted',
    at,
    frames,
    ...(started !== undefined && { startedAt: Number(started) * 1000 }),
  };
}

/** A sentence about the use of the old password in `variable`. */
export function showOldUse(use: OldUse, variable: string): string {
  if (use.kind === 'unknown') {
    return `When ${variable} was last used can't be told: no receiver answers at ${use.at}. \`heroku drains\` shows which drains still have it.`;
  }
  const since =
    use.startedAt === undefined
      ? 'since it started'
      : `since it started at ${new Date(use.startedAt).toISOString()}`;
  if (use.frames === 0) {
    return `The receiver at ${use.at} has taken no frame with ${variable} ${since}.`;
  }
  const frames = use.frames === 1 ? 'One frame has' : `${use.frames} frames have`;
  return `${frames} come with ${variable} to the receiver at ${use.at} ${since}: a drain may still have it.`;
}
