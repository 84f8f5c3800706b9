import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { PgwitnessError } from '../error.ts';

const offset = z.int().min(0);

/** A line too long for one read: where it begins and ends (newline not counted; there is none behind a stump). */
const longLineSchema = z.object({ start: offset, end: offset, torn: z.boolean() });

const fileSchema = z.object({
  name: z.string().min(1),
  /** As decimal digits: they may be beyond 2^53. */
  dev: z.string(),
  ino: z.string(),
  /**
   * The first line, by which the content is known again: where it begins (behind what a crash left
   * empty), its bytes with the newline, at most 4,096, and their SHA-256.
   */
  head: z.object({ start: offset, bytes: z.int().min(1), sha256: z.string() }).nullable(),
  /** All before it was answered with 2xx. */
  offset,
  longLine: longLineSchema.nullable(),
  /** Time of the last line sent, for lines that have none and for losses. */
  time: z.string().nullable(),
  /** All that was in it is sent, and the server had gone on to another file. */
  settled: z.boolean(),
});

const lossSchema = z.object({
  file: z.string(),
  /** At least so many messages. */
  count: z.int().min(1),
  since: z.string(),
  /** When it was noticed. */
  noticed: z.string(),
  reason: z.string(),
});

/** The bytes of a file that one frame holds: whole lines, a stump, or part of one long line. */
const spanSchema = z.object({ start: offset, end: offset, longLine: longLineSchema.nullable() });

/** Minutes that the server's clock is ahead of UTC, by the abbreviation it calls its zone. */
const zonesSchema = z.array(z.tuple([z.string(), z.int()]));

/** What the lines of a span depend on, besides its bytes: kept, so that they are the same when it is sent again. */
const contextSchema = z.object({
  /** `head.sha256` of the file. */
  head: z.string(),
  /** Time of the last line before the span. */
  time: z.string().nullable(),
  /** When the file was last changed. No line of it can be later. */
  latest: z.string(),
  zones: zonesSchema,
});

const pendingSchema = z.object({
  /** Null for a frame of losses alone. */
  source: contextSchema.extend({ span: spanSchema }).nullable(),
  losses: z.array(lossSchema),
});

const stateSchema = z.object({
  version: z.literal(1),
  /** Drain token, the same for as long as this state lives. */
  token: z.string().regex(/^d\.[A-Za-z0-9-]{1,64}$/),
  files: z.array(fileSchema),
  /** As the lines sent so far gave them away. */
  zones: zonesSchema,
  /** Written before the frame is sent: after a crash the same bytes go out again under the same id. */
  pending: pendingSchema.nullable(),
  /** Noticed, and not yet in a frame. */
  losses: z.array(lossSchema),
});

export type ShipState = z.infer<typeof stateSchema>;
export type KnownFile = z.infer<typeof fileSchema>;
export type Pending = z.infer<typeof pendingSchema>;
export type Loss = z.infer<typeof lossSchema>;
export type LongLine = z.infer<typeof longLineSchema>;
export type SpanContext = z.infer<typeof contextSchema>;
export type Span = z.infer<typeof spanSchema>;

/** A state that knows nothing: everything in the folder is sent. */
export function newState(token: string | undefined): ShipState {
  return {
    version: 1,
    token: token ?? `d.${randomUUID()}`,
    files: [],
    zones: [],
    pending: null,
    losses: [],
  };
}

/** The state kept in `path`, or undefined where there is none. Throws `ship.bad-state`, exit 2. */
export async function readState(path: string): Promise<ShipState | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cannotKeep(path, error);
  }
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new PgwitnessError({
      code: 'ship.bad-state',
      message: `${path} does not hold the position of \`pgwitness ship\`.`,
      fix: 'Check `state` in the configuration. If the file is damaged, move it away: all that is still in the log folder is sent again, and is recognised in the archive by session and line number.',
      exit: 2,
      cause: error,
    });
  }
}

/**
 * Keeps `state` in `path`. When this resolves, neither a crash nor a power cut can bring an older
 * state back; when it is interrupted, the older one stands whole.
 */
export async function writeState(path: string, state: ShipState): Promise<void> {
  const temporary = `${path}.new`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify(state));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    const folder = await open(dirname(path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    await rm(temporary, { force: true });
    throw cannotKeep(path, error);
  }
}

function cannotKeep(path: string, cause: unknown): PgwitnessError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new PgwitnessError({
    code: 'ship.cannot-keep-position',
    message: `The position in the log can't be kept in ${path} (${code}).`,
    fix:
      code === 'ENOSPC' || code === 'EDQUOT'
        ? 'Make room on that disk and start it again: it goes on where it was.'
        : 'Let the account that runs pgwitness write to that folder, or set another `state`.',
    exit: 1,
    cause,
  });
}
