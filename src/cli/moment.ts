import { parseDuration } from '../config/duration.ts';
import { PgwitnessError } from '../error.ts';

const isoShape =
  /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/i;

/**
 * `1h` (before `nowMs`) or an ISO 8601 date or time (UTC where it names no zone) to epoch
 * milliseconds. `flag` is for the message. Throws `cli.bad-moment`, exit 2.
 */
export function parseMoment(text: string, flag: string, nowMs: number): number {
  const duration = parseDuration(text);
  if (duration !== undefined) return nowMs - duration;
  const match = isoShape.exec(text);
  if (match !== null) {
    const zoned = match[1] !== undefined || text.length === 10 ? text : `${text}Z`;
    const time = Date.parse(zoned.replace(' ', 'T'));
    // Date.parse takes 2026-02-30 for a day in March.
    const day = Date.parse(`${text.slice(0, 10)}T00:00Z`);
    const exists = !Number.isNaN(day) && new Date(day).toISOString().startsWith(text.slice(0, 10));
    if (!Number.isNaN(time) && exists) return time;
  }
  throw new PgwitnessError({
    code: 'cli.bad-moment',
    message: `${flag} ${JSON.stringify(text)} is neither a duration nor a time.`,
    fix: 'Write how long ago (30s, 15m, 1h, 7d) or a time in UTC (2026-06-30, 2026-06-30T12:00, 2026-06-30T12:00:00+02:00).',
    exit: 2,
  });
}

/** As far as the clock of a database may be wrong, in its zone too, and what it wrote is still shown. */
const aheadMs = 24 * 3_600_000;

/**
 * The span that `--since`, `--until` and `--late` ask for; `openEnded` where nobody named its end, which
 * then lies ahead. Throws PgwitnessError, exit 2.
 */
export function trailSpan(
  flags: { readonly since: string; readonly until?: string; readonly late: string },
  nowMs: number,
): {
  readonly since: number;
  readonly until: number;
  readonly openEnded: boolean;
  readonly lateMs: number;
} {
  const since = parseMoment(flags.since, '--since', nowMs);
  // A clock that runs ahead of this one must not hide what was just written.
  const until =
    flags.until === undefined ? nowMs + aheadMs : parseMoment(flags.until, '--until', nowMs);
  if (since >= until) {
    throw new PgwitnessError({
      code: 'cli.empty-span',
      message: `--since (${iso(since)}) is not before --until (${iso(until)}).`,
      fix: 'Give an earlier --since or a later --until.',
      exit: 2,
    });
  }
  const lateMs = parseDuration(flags.late);
  if (lateMs === undefined) {
    throw new PgwitnessError({
      code: 'cli.bad-duration',
      message: `--late ${JSON.stringify(flags.late)} is not a duration.`,
      fix: 'Write 30m, 24h or 7d.',
      exit: 2,
    });
  }
  return { since, until, openEnded: flags.until === undefined, lateMs };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
