import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { FrameRecorder, type RecordedFrame } from '../../test/rig/frame-recorder.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../demo/embedded-postgres.ts';
import { parseFrame } from '../logplex/frame.ts';
import type { LogRecord } from '../logplex/record.ts';
import { createStitcher } from '../logplex/stitch.ts';
import { type ShipOptions, ship } from './ship.ts';
import type { ShipEvent } from './ship-event.ts';

let postgres: EmbeddedPostgres;
let client: pg.Client;
let folder: string;
let recorder: FrameRecorder;
let port: number;
let stop: AbortController;
let events: ShipEvent[];

async function connect(): Promise<void> {
  const { user, password } = postgres.superuser;
  client = new pg.Client({ connectionString: postgres.url(user, password) });
  client.on('error', () => undefined);
  await client.connect();
}

beforeAll(async () => {
  postgres = await startEmbeddedPostgres({
    settings: {
      log_statement: 'all',
      log_rotation_size: '64kB',
      // Names down to the second, as Postgres makes them by default, so that each rotation is a new file.
      log_filename: 'postgresql-%Y-%m-%d_%H%M%S.log',
      // An offset that no abbreviation table knows, to see that times come out in UTC.
      log_timezone: 'Asia/Kathmandu',
    },
  });
  await connect();
  folder = await mkdtemp(join(tmpdir(), 'pgwitness-ship-'));
});
afterAll(async () => {
  await client?.end();
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  recorder = new FrameRecorder();
  port = await recorder.listen();
  stop = new AbortController();
  events = [];
});
afterEach(async () => {
  stop.abort();
  await recorder.close();
});

/** The position is the same through all tests here: each begins where the one before ended. */
function start(over: Partial<ShipOptions> = {}): Promise<void> {
  return ship({
    logDirectory: postgres.logDirectory,
    statePath: join(folder, 'state.json'),
    drainUrl: `http://raxx:s%40cret@127.0.0.1:${port}/drain?x=1`,
    userAgent: 'pgwitness/test',
    once: false,
    signal: stop.signal,
    now: Date.now,
    report: (event) => events.push(event),
    timing: { request: 300, retry: 5, slowest: 40, refused: 20 },
    ...over,
  });
}

async function until(done: () => boolean, ms = 10_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!done()) {
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms`);
    await sleep(5);
  }
}

/** Records of the frames, doubles of a frame left out. */
function records(frames: readonly RecordedFrame[]): LogRecord[] {
  const stitcher = createStitcher<null>();
  const seen = new Set<string>();
  const found: LogRecord[] = [];
  for (const { id, body } of frames) {
    if (seen.has(id)) continue;
    seen.add(id);
    const { lines, faults } = parseFrame(body);
    expect(faults).toEqual([]);
    for (const line of lines) found.push(...stitcher.push(line, null).map(({ record }) => record));
  }
  return [...found, ...stitcher.flush().map(({ record }) => record)];
}

/** How often each marker stands in the statements of `frames`. */
function marks(frames: readonly RecordedFrame[], name: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const record of records(frames)) {
    const mark = new RegExp(`/\\*(${name}-\\d+)\\*/`).exec(record.statement ?? '')?.[1];
    if (mark !== undefined) counts.set(mark, (counts.get(mark) ?? 0) + 1);
  }
  return counts;
}

/** A frame that came twice is the same both times: its id tells, and no other frame has it. */
function expectTrueDoubles(frames: readonly RecordedFrame[]): void {
  const bodies = new Map<string, Buffer>();
  for (const { id, body } of frames) {
    const before = bodies.get(id);
    if (before !== undefined) expect(body.equals(before)).toBe(true);
    bodies.set(id, body);
  }
}

const all = (name: string, count: number) =>
  new Map(Array.from({ length: count }, (_, index) => [`${name}-${index}`, 1]));

test('a frame is what Logplex would send, and its lines are what Postgres wrote', async () => {
  const running = start();
  const before = Date.now();
  await client.query("select /*shape-0*/ 'Grüße\nzweite Zeile'");
  await until(() => marks(recorder.frames, 'shape').size === 1);
  stop.abort();
  await running;
  for (const frame of recorder.frames) {
    expect(frame.headers).toMatchObject({
      'content-type': 'application/logplex-1',
      'content-length': String(frame.body.length),
      'user-agent': 'pgwitness/test',
    });
    expect(frame.id).toMatch(/^[0-9A-F]{32}$/);
    expect(frame.token).toMatch(/^d\.[0-9a-f-]{36}$/);
    expect(frame.authorization).toBe(`Basic ${btoa('raxx:s@cret')}`);
    const { lines } = parseFrame(frame.body);
    expect(frame.count).toBe(lines.length);
    for (const line of lines) {
      expect(line).toMatchObject({ pri: 134, host: 'host', app: 'app' });
      expect(line.procid).toMatch(/^postgres\.\d+$/);
      // Kathmandu is 5 h 45 min ahead: a wall clock taken for UTC would be in the future.
      expect(Math.abs(Date.parse(line.timestamp) - before)).toBeLessThan(60_000);
    }
  }
  const record = records(recorder.frames).find((one) => one.statement?.includes('shape-0'));
  expect(record).toMatchObject({
    statement: "select /*shape-0*/ 'Grüße\nzweite Zeile'",
    complete: true,
  });
});

test('each line is posted as it comes, one request at a time', async () => {
  const running = start();
  await until(() => events.some((event) => event.kind === 'caught-up'));
  for (let index = 0; index < 20; index++) {
    await client.query(`select /*step-${index}*/ 1`);
    // Nothing else is written meanwhile: the line must not wait for a fuller frame.
    await until(() => recorder.frames.some(({ body }) => body.includes(`step-${index}*`)), 10_000);
  }
  stop.abort();
  await running;
  expect(recorder.mostOpen).toBe(1);
});

test('rotation, restart and crash of the server lose no line and double none', async () => {
  const running = start();
  const files = (await readdir(postgres.logDirectory)).length;
  let index = 0;
  const write = async (count: number) => {
    for (const last = index + count; index < last; index++) {
      await client.query(`select /*turn-${index}*/ length('${'x'.repeat((index * 911) % 9_000)}')`);
    }
  };
  await write(40);
  await client.query('select pg_rotate_logfile()');
  await write(10);
  await sleep(1_050);
  await write(10);
  for (const mode of ['fast', 'crash'] as const) {
    await client.end().catch(() => undefined);
    await postgres.restart(mode);
    await connect();
    await write(20);
  }
  await until(() => marks(recorder.frames, 'turn').has(`turn-${index - 1}`));
  stop.abort();
  await running;
  expect((await readdir(postgres.logDirectory)).length).toBeGreaterThan(files);
  expect(marks(recorder.frames, 'turn')).toEqual(all('turn', index));
  expect(events.filter((event) => event.kind === 'loss')).toEqual([]);
});

test('what was written while nobody shipped is shipped at the next start, and nothing twice', async () => {
  for (let index = 0; index < 30; index++) await client.query(`select /*down-${index}*/ 1`);
  await start({ once: true });
  expect(marks(recorder.frames, 'down')).toEqual(all('down', 30));
  const sent = recorder.frames.length;
  await client.query('select /*down-30*/ 1');
  await start({ once: true });
  expect(marks(recorder.frames.slice(sent), 'down')).toEqual(new Map([['down-30', 1]]));
});

test('statements of any length arrive whole', async () => {
  const lengths = [9_000, 10_500, 70_000, 150_000, 1_200_000];
  for (const [index, length] of lengths.entries()) {
    await client.query(`select /*long-${index}*/ length('${'ü"\\'.repeat(length / 4)}')`);
  }
  await start({ once: true });
  const found = records(recorder.frames).filter((record) => record.statement?.includes('/*long-'));
  expect(found.map((record) => Buffer.byteLength(record.statement ?? ''))).toEqual(
    lengths.map((length, index) =>
      Buffer.byteLength(`select /*long-${index}*/ length('${'ü"\\'.repeat(length / 4)}')`),
    ),
  );
  expect(Math.max(...recorder.frames.map(({ body }) => body.length))).toBeLessThan(115_000);
});

test('a receiver that fails in every way gets every line, and a frame twice only under its id', async () => {
  const answers = [204, 503, 'cut', 204, 'hang', 429, 500, 200, 401, 'cut', 404] as const;
  let turn = 0;
  recorder.decide = () => answers[turn++ % answers.length] ?? 204;
  const running = start();
  for (let index = 0; index < 60; index++) {
    await client.query(`select /*fault-${index}*/ 1`);
    await sleep(10);
  }
  await until(() => marks(recorder.stored, 'fault').size === 60);
  recorder.decide = () => 204;
  stop.abort();
  await running;
  expect(marks(recorder.stored, 'fault')).toEqual(all('fault', 60));
  expectTrueDoubles(recorder.frames);
  const ids = recorder.frames.map(({ id }) => id);
  expect(new Set(ids).size).toBeLessThan(ids.length);
  expect(JSON.stringify(events)).not.toMatch(/s@cret|s%40cret/);
  expect(events.some((event) => event.kind === 'refused' && /401|404/.test(event.why))).toBe(true);
});

test('a receiver that comes back on the same port is caught up with', async () => {
  await recorder.close();
  const running = start();
  for (let index = 0; index < 10; index++) await client.query(`select /*away-${index}*/ 1`);
  await until(() => events.some((event) => event.kind === 'unavailable'));
  recorder = new FrameRecorder();
  await recorder.listen(port);
  await until(() => marks(recorder.frames, 'away').size === 10);
  stop.abort();
  await running;
});

test('a stop lets the request in flight end, keeps the position, and takes no longer than its grace', async () => {
  recorder.decide = () => 'hang';
  const running = start({ timing: { request: 60_000, grace: 100 } });
  await client.query('select /*stop-0*/ 1');
  await until(() => recorder.frames.length > 0);
  const began = Date.now();
  stop.abort();
  await running;
  expect(Date.now() - began).toBeLessThan(1_500);
  recorder.decide = () => 204;
  stop = new AbortController();
  await start({ once: true });
  expectTrueDoubles(recorder.frames);
  expect(recorder.frames[1]?.id).toBe(recorder.frames[0]?.id);
  expect(marks(recorder.frames, 'stop')).toEqual(all('stop', 1));
});

test('with --once a drain that refuses or is away is an error that quotes no secret', async () => {
  await client.query('select /*once-0*/ 1');
  recorder.decide = () => 401;
  const refused = await start({ once: true }).catch((error) => error);
  expect(refused).toMatchObject({ code: 'ship.drain-refused', exit: 3 });
  await recorder.close();
  const away = await start({ once: true, timing: { patience: 50, retry: 20 } }).catch(
    (error) => error,
  );
  expect(away).toMatchObject({ code: 'ship.drain-unavailable', exit: 3 });
  expect(away.message).toMatch(
    /^http:\/\/127\.0\.0\.1:\d+ does not take the log: nothing listens there; \d\d+ bytes of the log stay unsent\.$/,
  );
  expect(`${refused} ${away}`).not.toMatch(/s@cret|s%40cret/);
  recorder = new FrameRecorder();
  await recorder.listen(port);
  await start({ once: true });
  expect(marks(recorder.frames, 'once')).toEqual(all('once', 1));
});

test('a second one with the same position is refused while the first runs', async () => {
  const running = start();
  await until(() => events.length > 0);
  await expect(start({ once: true })).rejects.toMatchObject({
    code: 'ship.already-running',
    exit: 2,
  });
  stop.abort();
  await running;
});
