import { encodeFrame } from '../logplex/frame.ts';
import { watchFolder } from './changes.ts';
import { checkFolder, folderError, notJsonlog } from './check-folder.ts';
import { type DeliveryTiming, deliver, gaveUp } from './deliver.ts';
import { type Drain, type Frame, openDrain } from './drain.ts';
import { lockState } from './lock.ts';
import { LogFolder, type Sighting } from './log-folder.ts';
import { logplexTime, sha256 } from './log-line.ts';
import { lossLines } from './loss-line.ts';
import type { ShipEvent } from './ship-event.ts';
import { after, chooseSpan, hasHead, readNewSpan, readSpan, type SpanText } from './span.ts';
import {
  type KnownFile,
  newState,
  type Pending,
  readState,
  type ShipState,
  writeState,
} from './state.ts';

export interface ShipOptions {
  /** Absolute paths. */
  readonly logDirectory: string;
  readonly statePath: string;
  /** User and password included. */
  readonly drainUrl: string;
  /** Drain token; without it one is made up and kept in the state. */
  readonly token?: string;
  readonly userAgent: string;
  /** Ship what is there, and return. */
  readonly once: boolean;
  readonly signal: AbortSignal;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly report: (event: ShipEvent) => void;
  readonly timing?: Partial<ShipTiming>;
}

/** All in milliseconds. */
export interface ShipTiming extends DeliveryTiming {
  /** How long an answer may take: a receiver may spend 5 s on a slow store before it answers. */
  readonly request: number;
  /** The log is looked at so often, whether the system tells of changes or not. */
  readonly poll: number;
}

const usualTiming = {
  request: 10_000,
  retry: 100,
  slowest: 5_000,
  refused: 10_000,
  grace: 3_000,
  poll: 50,
};
/** With `once`, a drain that stores nothing is given up after so long. */
export const patienceMs = 30_000;
/** The folder is listed so often, where nothing told of a change. */
const lookMs = 1_000;
/** A trouble that lasts is told of so often. */
const remindMs = 60_000;
/** Losses told in one frame. */
const mostLosses = 20;

/**
 * Ships the log until `signal` is aborted (or, with `once`, until all that is there is sent).
 *
 * At least once, and a second time recognisably. Before a frame is sent, the state says which bytes it
 * holds; a frame's lines and id depend on those bytes alone. So wherever a crash falls: before the state
 * is kept, nothing of the frame was sent, and its bytes are chosen anew; after it, until the next state
 * is kept, the same frame goes out again under the same id. The log files are the buffer: what was not
 * answered with 2xx is read again, and nothing is ever dropped to make room.
 *
 * Throws PgwitnessError where it can't begin, or can't keep its position.
 */
export async function ship(options: ShipOptions): Promise<void> {
  const timing: ShipTiming = {
    ...usualTiming,
    patience: options.once ? patienceMs : undefined,
    ...options.timing,
  };
  const { userAgent, logDirectory, statePath } = options;
  const drain = openDrain(options.drainUrl, { userAgent, requestTimeoutMs: timing.request });
  const unlock = await lockState(statePath);
  const folder = new LogFolder(logDirectory, [statePath], options.now);
  try {
    await checkFolder(logDirectory, folder);
    const state = (await readState(statePath)) ?? newState(options.token);
    if (options.token !== undefined) state.token = options.token;
    // A place that can't be written to is told of before anything is sent.
    await writeState(statePath, state);
    await new Shipping(options, timing, drain, folder, state).run();
  } finally {
    await folder.close();
    drain.close();
    unlock();
  }
}

interface Outgoing {
  readonly frame: Frame;
  readonly pending: Pending;
  readonly file: KnownFile | undefined;
  readonly text: SpanText | undefined;
}

class Shipping {
  readonly #options: ShipOptions;
  readonly #timing: ShipTiming;
  readonly #drain: Drain;
  readonly #folder: LogFolder;
  readonly #state: ShipState;
  /** The state as last written. */
  #kept = '';
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** How far a line without an end was looked through. */
  readonly #scan = { start: -1, to: -1 };
  readonly #reminded = new Map<string, number>();

  constructor(
    options: ShipOptions,
    timing: ShipTiming,
    drain: Drain,
    folder: LogFolder,
    state: ShipState,
  ) {
    this.#options = options;
    this.#timing = timing;
    this.#drain = drain;
    this.#folder = folder;
    this.#state = state;
  }

  async run(): Promise<void> {
    const { once, signal, logDirectory, report } = this.#options;
    const { place, inTheClear } = this.#drain;
    report({ kind: 'started', place, token: this.#state.token, inTheClear });
    const changes = watchFolder(logDirectory);
    let idle = false;
    try {
      while (!signal.aborted) {
        if (changes.elsewhere(this.#folder.following)) this.#lookSoon();
        const outgoing = await this.#nextFrame();
        if (outgoing === undefined) {
          this.#folder.settle(this.#state.files);
          await this.#keep();
          if (!idle) report({ kind: 'caught-up' });
          idle = true;
          if (once) return;
          await changes.wait(this.#timing.poll, signal);
          continue;
        }
        idle = false;
        const { pending, frame } = outgoing;
        this.#state.pending = pending;
        this.#state.losses = this.#state.losses.filter((loss) => !pending.losses.includes(loss));
        await this.#keep();
        const delivery = await deliver(this.#drain, frame, this.#timing, signal, (trouble, so) => {
          // The first try after a quiet time may find a connection that the other side has just closed.
          if (so === 1 && trouble.kind === 'unavailable') return;
          this.#remind(trouble.kind, { kind: trouble.kind, why: trouble.why, tries: so });
        });
        if (delivery.kind === 'stopped') return;
        if (delivery.kind === 'gave-up') {
          throw gaveUp(place, delivery.trouble, await this.#folder.unsent(this.#state.files));
        }
        this.#acknowledge(outgoing, delivery.tries);
      }
    } finally {
      changes.close();
      await this.#keep();
    }
  }

  async #nextFrame(): Promise<Outgoing | undefined> {
    if (!(await this.#look())) return undefined;
    return (await this.#openFrame()) ?? (await this.#newFrame());
  }

  /** The frame that a crash or a stop left open: the same bytes again. */
  async #openFrame(): Promise<Outgoing | undefined> {
    const { pending, files, losses } = this.#state;
    if (pending === null) return undefined;
    if (pending.source === null) return this.#outgoing(pending, undefined, undefined);
    const { span, ...context } = pending.source;
    const file = files.find((known) => known.head?.sha256 === context.head);
    const handle = file && (await this.#folder.follow(file));
    const text = handle && (await readSpan(handle, span, context));
    if (text !== undefined) return this.#outgoing(pending, text, file);
    // The file is gone, which `#look` has told as a loss or will tell; whether this frame had
    // arrived before can't be known. What it told of is still to be told.
    this.#state.pending = null;
    losses.unshift(...pending.losses);
    this.#lookSoon();
    return undefined;
  }

  /** What is unread, and the losses not told yet; undefined while there is neither. */
  async #newFrame(): Promise<Outgoing | undefined> {
    const losses = this.#state.losses.slice(0, mostLosses);
    for (const file of await this.#folder.unread(this.#state.files)) {
      if (file.head === null) continue;
      const handle = await this.#folder.follow(file);
      if (handle === undefined) {
        this.#lookSoon();
        continue;
      }
      const quiet = this.#folder.isQuiet(file, this.#state.files);
      const span = await chooseSpan(handle, file, quiet, this.#scan);
      if (span === undefined) continue;
      const { text, context } = await readNewSpan(handle, span, {
        head: file.head.sha256,
        time: file.time,
        latest: logplexTime(this.#folder.changedAt(file)),
        zones: this.#state.zones,
      });
      // Truncated and written anew while it was read: these bytes belong to no known file.
      if (text === undefined || !(await hasHead(handle, file.head))) {
        this.#lookSoon();
        continue;
      }
      if (text.lines.length === 0) {
        // Nothing but newlines.
        Object.assign(file, after(span));
        this.#lookSoon();
        continue;
      }
      for (const zone of text.unknownZones) this.#remind(`zone ${zone}`, unknownZone(zone));
      return this.#outgoing({ source: { ...context, span }, losses }, text, file);
    }
    return losses.length === 0
      ? undefined
      : this.#outgoing({ source: null, losses }, undefined, undefined);
  }

  #outgoing(pending: Pending, text: SpanText | undefined, file: KnownFile | undefined): Outgoing {
    const all = [...pending.losses.flatMap(lossLines), ...(text?.lines ?? [])];
    const body = encodeFrame(all);
    // Place and content: bytes that replaced these, or stand in the same place of another file, never
    // hide behind an id under which something else is stored.
    const place = JSON.stringify(pending.source && [pending.source.head, pending.source.span]);
    const id = sha256(place, '\n', body).slice(0, 32).toUpperCase();
    return {
      frame: { id, token: this.#state.token, count: all.length, body },
      pending,
      file,
      text,
    };
  }

  #acknowledge({ pending, file, frame, text }: Outgoing, tries: number): void {
    this.#state.pending = null;
    if (file !== undefined && text !== undefined && pending.source !== null) {
      Object.assign(file, after(pending.source.span), { time: text.lines.at(-1)?.timestamp });
      this.#state.zones = [...text.zones];
    }
    this.#reminded.delete('unavailable');
    this.#reminded.delete('refused');
    this.#options.report({
      kind: 'sent',
      file: file?.name ?? '',
      offset: file?.offset ?? 0,
      lines: frame.count,
      bytes: frame.body.length,
      frame: frame.id,
      tries,
    });
  }

  #lookSoon(): void {
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  /** Brings the state's files up to date, where it is time to: false while the folder can't be read. */
  async #look(): Promise<boolean> {
    const now = this.#options.now();
    if (now >= this.#lookedAt && now - this.#lookedAt < lookMs) return true;
    let sighting: Sighting;
    try {
      sighting = await this.#folder.look(this.#state.files);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === undefined) throw error;
      if (this.#options.once) throw folderError(this.#options.logDirectory, error);
      this.#remind('folder', { kind: 'waiting', why: `the log folder can't be read (${code})` });
      return false;
    }
    this.#lookedAt = now;
    this.#reminded.delete('folder');
    this.#tell(sighting);
    return true;
  }

  #tell({ lost, unreadable, alien }: Sighting): void {
    const { now, once, report, logDirectory } = this.#options;
    for (const { file, reason } of lost) {
      const noticed = logplexTime(now());
      const since = file.time ?? noticed;
      this.#state.losses.push({ file: file.name, count: 1, since, noticed, reason });
      const why = `${reason}, and what it held after ${since} may not have been sent`;
      report({ kind: 'loss', file: file.name, why });
    }
    for (const { name, why } of unreadable) {
      this.#remind(`file ${name}`, { kind: 'left-alone', file: name, why });
    }
    for (const file of alien) {
      this.#remind(`file ${file}`, { kind: 'left-alone', file, why: 'it holds no jsonlog' });
    }
    if (this.#state.files.some((file) => file.head !== null)) return;
    if (alien.length > 0 && once) {
      throw notJsonlog(`${alien.join(', ')} in ${logDirectory} holds no jsonlog.`);
    }
    this.#remind('empty', { kind: 'waiting', why: 'the server has written nothing yet' });
  }

  /** Tells of something that lasts: at once, and then once a minute. */
  #remind(key: string, event: ShipEvent): void {
    const now = this.#options.now();
    const last = this.#reminded.get(key);
    if (last !== undefined && now - last < remindMs) return;
    this.#reminded.set(key, now);
    this.#options.report(event);
  }

  /** Writes the state, where it differs from what is written. */
  async #keep(): Promise<void> {
    const text = JSON.stringify(this.#state);
    if (text === this.#kept) return;
    await writeState(this.#options.statePath, this.#state);
    this.#kept = text;
  }
}

function unknownZone(zone: string): ShipEvent {
  return {
    kind: 'warning',
    why: `The server's clock is in ${zone}, and nothing tells how far that is from UTC: lines get the time of the line before. Set \`log_timezone = UTC\` in postgresql.conf.`,
  };
}
