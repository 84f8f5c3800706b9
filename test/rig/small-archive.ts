import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeFrame, parseFrame } from '../../src/logplex/frame.ts';
import type { SyslogLine } from '../../src/logplex/syslog-line.ts';
import { folderArchive } from '../../src/sink/folder-archive.ts';
import { openFolderSink } from '../../src/sink/folder-sink.ts';
import { packFrame } from '../../src/sink/frame-object.ts';
import { arrivalKey } from '../../src/sink/object-key.ts';
import type { Archive, Sink } from '../../src/sink/sink.ts';

/** A frame to store: with an id as Logplex sends it, without one as Shield does. */
export interface FrameToStore {
  readonly id?: string;
  readonly token?: string;
  readonly lines: readonly SyslogLine[];
}

export interface SmallArchive {
  readonly folder: string;
  readonly archive: Archive;
  readonly sink: Sink;
  /** Stores frames as one object with an arrival key; returns the key. */
  store(arrivedAt: number, frames: readonly FrameToStore[]): Promise<string>;
  remove(): Promise<void>;
}

/** An archive in a temporary folder, written by the folder sink. */
export async function makeSmallArchive(prefix: string): Promise<SmallArchive> {
  const folder = await mkdtemp(join(tmpdir(), 'pgwitness-archive-'));
  const sink = await openFolderSink(folder);
  return {
    folder,
    sink,
    archive: folderArchive(folder),
    async store(arrivedAt, frames) {
      const key = arrivalKey(prefix, arrivedAt);
      await sink.put(key, await objectOf(arrivedAt, frames));
      return key;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The bytes of an object of these frames. */
export async function objectOf(
  receivedAt: number,
  frames: readonly FrameToStore[],
): Promise<Uint8Array> {
  const members = frames.map(({ id, token, lines }) => {
    const body = encodeFrame(lines);
    const { losses, faults } = parseFrame(body);
    const facts = { lines: lines.length, faults: faults.length, losses, receivedAt };
    return packFrame(body, { ...facts, id, token, count: lines.length });
  });
  return Buffer.concat(await Promise.all(members));
}

/** A message of Postgres as Heroku's log carries it: its lines, split at newlines as Postgres does. */
export function herokuMessage(message: {
  readonly atMs: number;
  readonly text: string;
  readonly session?: string;
  readonly logLine?: number;
  /** N of `[N-M]`. */
  readonly number?: number;
  readonly process?: number;
  readonly user?: string;
  readonly severity?: string;
}): SyslogLine[] {
  const time = new Date(message.atMs).toISOString();
  const number = message.number ?? message.logLine ?? 1;
  const start = `${time.slice(0, 10)} ${time.slice(11, 23)} UTC`;
  const prefix = ` sql_error_code = 00000 time_ms = "${start}" pid="${message.process ?? 7}" proc_start_time="${start}" session_id="${message.session ?? '647e3878.7'}" vtid="2/17" tid="0" log_line="${message.logLine ?? 1}" database="d1" connection_source="10.1.2.3(41234)" user="${message.user ?? 'raptor_app'}" application_name="web" ${message.severity ?? 'LOG'}:  `;
  return `${prefix}${message.text}`.split('\n').map((text, index) => ({
    pri: 134,
    timestamp: `${time.slice(0, 19)}+00:00`,
    host: 'host',
    app: 'app',
    procid: `postgres.${message.process ?? 7}`,
    msgid: '-',
    message: Buffer.from(`[RED] [${number}-${index + 1}] ${index === 0 ? '' : '\t'}${text}`),
  }));
}

/** A line of Logplex itself that tells of a loss. */
export function lossLine(atMs: number, count: number, sinceMs: number): SyslogLine {
  const since = `${new Date(sinceMs).toISOString().slice(0, 19)}+00:00`;
  return {
    pri: 172,
    timestamp: `${new Date(atMs).toISOString().slice(0, 19)}+00:00`,
    host: 'host',
    app: 'heroku',
    procid: 'logplex',
    msgid: '-',
    message: Buffer.from(
      `Error L10 (output buffer overflow): ${count} messages dropped since ${since}.`,
    ),
  };
}
