import { mkdir, mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach } from 'vitest';
import { parseFrame } from '../../src/logplex/frame.ts';
import type { SyslogLine } from '../../src/logplex/syslog-line.ts';
import { type ShipOptions, ship } from '../../src/ship/ship.ts';
import type { ShipEvent } from '../../src/ship/ship-event.ts';
import { FrameRecorder } from './frame-recorder.ts';

/** A log folder whose files a test writes itself, the shipper, and the drain that it posts to. */
export class LogWorld {
  home = '';
  port = 0;
  recorder = new FrameRecorder();
  stop = new AbortController();
  events: ShipEvent[] = [];

  /** The folder of the log files. */
  get logs(): string {
    return join(this.home, 'log');
  }

  async open(): Promise<void> {
    this.home = await mkdtemp(join(tmpdir(), 'pgwitness-ship-'));
    await mkdir(this.logs);
    this.recorder = new FrameRecorder();
    this.port = await this.recorder.listen();
    this.stop = new AbortController();
    this.events = [];
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.recorder.close();
    await rm(this.home, { recursive: true, force: true });
  }

  /** Ships what is there, and returns; with `once: false`, until `stop` is aborted. */
  start(over: Partial<ShipOptions> = {}): Promise<void> {
    return ship({
      logDirectory: this.logs,
      statePath: join(this.home, 'state', 'ship.json'),
      drainUrl: `http://127.0.0.1:${this.port}/`,
      userAgent: 'pgwitness/test',
      once: true,
      signal: this.stop.signal,
      now: Date.now,
      report: (event) => this.events.push(event),
      timing: { request: 300, retry: 5, slowest: 40, refused: 20 },
      ...over,
    });
  }

  lines(): SyslogLine[] {
    return this.recorder.frames.flatMap(({ body }) => parseFrame(body).lines);
  }

  texts(): string[] {
    return this.lines().map((line) => Buffer.from(line.message).toString());
  }

  /** How many of the lines that arrived hold `text`. */
  sent(text: string): number {
    return this.texts().filter((line) => line.includes(text)).length;
  }

  /** Back-dates a file, so that it is quiet and older than the others. */
  async age(name: string, seconds = 60): Promise<void> {
    const time = new Date(Date.now() - seconds * 1_000);
    await utimes(join(this.logs, name), time, time);
  }
}

/** A world that is new for each test of the file. */
export function logWorld(): LogWorld {
  const world = new LogWorld();
  beforeEach(() => world.open());
  afterEach(() => world.close());
  return world;
}

let number = 0;
/** A line as Postgres 18 writes it. */
export function jsonlog(message: string, over: Record<string, unknown> = {}): string {
  number += 1;
  return `${JSON.stringify({
    timestamp: '2026-06-30 10:00:00.123 UTC',
    user: 'raptor_app',
    dbname: 'raxx',
    pid: 4711,
    remote_host: '127.0.0.1',
    remote_port: 40_000,
    session_id: '6a43920f.1267',
    line_num: number,
    ps: 'idle',
    session_start: '2026-06-30 09:53:19 UTC',
    vxid: '2/17',
    txid: 0,
    error_severity: 'LOG',
    message,
    ...over,
  })}\n`;
}

/** Waits for what must come, and fails where it doesn't. */
export async function until(done: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!done()) {
    if (Date.now() > deadline) throw new Error('not within 10 s');
    await sleep(5);
  }
}
