import {
  appendFile,
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FrameRecorder } from '../../test/rig/frame-recorder.ts';
import { parseFrame } from '../logplex/frame.ts';
import { type ShipOptions, ship } from './ship.ts';
import type { ShipEvent } from './ship-event.ts';

let home: string;
let logs: string;
let recorder: FrameRecorder;
let port: number;
let stop: AbortController;
let events: ShipEvent[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pgwitness-ship-'));
  logs = join(home, 'log');
  await mkdir(logs);
  recorder = new FrameRecorder();
  port = await recorder.listen();
  stop = new AbortController();
  events = [];
});
afterEach(async () => {
  stop.abort();
  await recorder.close();
  await rm(home, { recursive: true, force: true });
});

function start(over: Partial<ShipOptions> = {}): Promise<void> {
  return ship({
    logDirectory: logs,
    statePath: join(home, 'state', 'ship.json'),
    drainUrl: `http://127.0.0.1:${port}/`,
    userAgent: 'pgwitness/test',
    once: true,
    signal: stop.signal,
    now: Date.now,
    report: (event) => events.push(event),
    timing: { request: 300, retry: 5, slowest: 40, refused: 20 },
    ...over,
  });
}

let number = 0;
/** A line as Postgres 18 writes it. */
function jsonlog(message: string, over: Record<string, unknown> = {}): string {
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

const lines = () => recorder.frames.flatMap(({ body }) => parseFrame(body).lines);
const texts = () => lines().map((line) => Buffer.from(line.message).toString());
const sent = (text: string) => texts().filter((line) => line.includes(text)).length;
/** Back-dates a file, so that it is quiet and older than the others. */
async function age(name: string, seconds = 60): Promise<void> {
  const time = new Date(Date.now() - seconds * 1_000);
  await utimes(join(logs, name), time, time);
}
async function until(done: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!done()) {
    if (Date.now() > deadline) throw new Error('not within 5 s');
    await sleep(5);
  }
}

test('a last line that is not finished waits until it is', async () => {
  const line = jsonlog('half and half');
  await writeFile(join(logs, 'a.json'), jsonlog('whole') + line.slice(0, 70));
  await start();
  expect(sent('whole')).toBe(1);
  expect(texts()).toHaveLength(1);
  await appendFile(join(logs, 'a.json'), line.slice(70));
  await start();
  expect(sent('half and half')).toBe(1);
});

test('the stump of a line that a crash tore is sent once the server went on elsewhere', async () => {
  await writeFile(join(logs, 'a.json'), jsonlog('whole') + jsonlog('stump').slice(0, -3));
  await age('a.json');
  await writeFile(join(logs, 'b.json'), jsonlog('after'));
  await start();
  expect(texts().map((text) => /whole|stump|after/.exec(text)?.[0])).toEqual([
    'whole',
    'stump',
    'after',
  ]);
});

test('a line that the restarted server wrote right behind a stump is a line of its own', async () => {
  await writeFile(join(logs, 'a.json'), `${jsonlog('stump').slice(0, 180)}${jsonlog('next')}`);
  await start();
  expect(texts()).toHaveLength(2);
  expect(JSON.parse(texts()[1] ?? '')).toMatchObject({ message: 'next' });
});

test('a file that is truncated and written anew under its name is read from its start', async () => {
  await writeFile(join(logs, 'tue.json'), jsonlog('first week') + jsonlog('more'));
  await age('tue.json');
  await writeFile(join(logs, 'wed.json'), jsonlog('next day'));
  await start();
  await truncate(join(logs, 'tue.json'));
  await appendFile(
    join(logs, 'tue.json'),
    jsonlog('second week') + jsonlog('more') + jsonlog('longer'),
  );
  await start();
  expect([sent('first week'), sent('second week'), sent('longer'), sent('next day')]).toEqual([
    1, 1, 1, 1,
  ]);
  expect(sent('L13')).toBe(0);
});

test('a file that is renamed, or found on another device with its bytes, is not sent again', async () => {
  await writeFile(join(logs, 'a.json'), jsonlog('once') + jsonlog('only'));
  await start();
  await rename(join(logs, 'a.json'), join(logs, 'b.json'));
  await appendFile(join(logs, 'b.json'), jsonlog('then'));
  await start();
  // A restored folder: other inodes, the same bytes.
  await copyFile(join(logs, 'b.json'), join(home, 'copy'));
  await rm(join(logs, 'b.json'));
  await rename(join(home, 'copy'), join(logs, 'b.json'));
  await start();
  expect([sent('once'), sent('only'), sent('then')]).toEqual([1, 1, 1]);
  expect(sent('L13')).toBe(0);
});

test('a file that was deleted before all of it was known to be sent is told as a loss', async () => {
  await writeFile(join(logs, 'a.json'), jsonlog('seen'));
  await start();
  await appendFile(join(logs, 'a.json'), jsonlog('never seen'));
  await rm(join(logs, 'a.json'));
  await writeFile(join(logs, 'b.json'), jsonlog('later'));
  await start();
  const frame = recorder.frames.at(-1);
  const parsed = parseFrame(frame?.body ?? Buffer.alloc(0));
  expect(parsed.losses).toEqual([
    { code: 'L13', count: 1, since: '2026-06-30T10:00:00.123+00:00' },
  ]);
  expect(frame?.count).toBe(parsed.lines.length);
  expect(sent('a.json was deleted before all of it was sent')).toBe(1);
  expect(sent('later')).toBe(1);
  expect(events.filter((event) => event.kind === 'loss')).toHaveLength(1);
  await start();
  expect(sent('L13')).toBe(1);
});

test('a file that was sent whole and left by the server may be deleted without a word', async () => {
  await writeFile(join(logs, 'a.json'), jsonlog('old'));
  await age('a.json');
  await writeFile(join(logs, 'b.json'), jsonlog('new'));
  await start();
  await rm(join(logs, 'a.json'));
  await start();
  expect(sent('L13')).toBe(0);
});

test('deleting the file that is being followed loses nothing of what the server still writes to it', async () => {
  const path = join(logs, 'a.json');
  await writeFile(path, jsonlog('before'));
  const { open } = await import('node:fs/promises');
  const server = await open(path, 'a');
  const running = start({ once: false });
  await until(() => sent('before') === 1);
  await rm(path);
  await server.write(jsonlog('into the void'));
  await until(() => sent('into the void') === 1);
  await server.close();
  await writeFile(join(logs, 'b.json'), jsonlog('next file'));
  await until(() => sent('next file') === 1);
  stop.abort();
  await running;
  expect(sent('L13')).toBe(0);
});

test('every zone of the server comes out in UTC, told by the session and not by the abbreviation', async () => {
  // The session began at 1782813199 = 0x6a43920f, 2026-06-30 09:53:19 UTC.
  const at = (timestamp: string, session_start: string) =>
    jsonlog('t', { timestamp, session_start });
  await writeFile(
    join(logs, 'a.json'),
    at('2026-06-30 10:00:00.123 UTC', '2026-06-30 09:53:19 UTC') +
      at('2026-06-30 15:30:00.123 IST', '2026-06-30 15:23:19 IST') +
      at('2026-06-30 07:00:00.123 -03', '2026-06-30 06:53:19 -03') +
      // The clocks went back while the session lasted; another session of the same frame knows the new zone.
      at('2026-06-30 11:00:00.123 CET', '2026-06-30 11:53:19 CEST') +
      at('2026-06-30 11:00:00.123 CET', '2026-06-30 10:53:19 CET'),
  );
  await start();
  expect(lines().map((line) => line.timestamp)).toEqual(
    Array(5).fill('2026-06-30T10:00:00.123+00:00'),
  );
});

test('a server that writes another format, and files that are no log, are named', async () => {
  await writeFile(join(logs, 'postgresql-1.log'), 'LOG:  started\n');
  await expect(start()).rejects.toMatchObject({ code: 'ship.not-jsonlog', exit: 2 });
  await writeFile(join(logs, 'package.json'), '{"name": "secret"}\n');
  await expect(start()).rejects.toMatchObject({ code: 'ship.not-jsonlog', exit: 2 });
  await writeFile(join(logs, 'a.json'), jsonlog('real'));
  await start();
  expect(texts()).toHaveLength(1);
  expect(events.some((event) => event.kind === 'left-alone' && event.file === 'package.json')).toBe(
    true,
  );
});

test('a folder that is not there, a state that is none and a URL that is none are a sentence each', async () => {
  await expect(start({ logDirectory: join(home, 'nowhere') })).rejects.toMatchObject({
    code: 'ship.no-log-folder',
    exit: 2,
  });
  for (const drainUrl of ['nonsense s3cret', 'ftp://a:s3cret@b/', 'https://a:%zz@b/']) {
    const error = await start({ drainUrl }).catch((caught) => caught);
    expect(error).toMatchObject({ code: 'ship.bad-drain-url', exit: 2 });
    expect(JSON.stringify([error, `${error}`])).not.toContain('s3cret');
  }
  await mkdir(join(home, 'state'));
  await writeFile(join(home, 'state', 'ship.json'), '{"version":1}');
  await expect(start()).rejects.toMatchObject({ code: 'ship.bad-state', exit: 2 });
  await writeFile(join(home, 'file'), '');
  await expect(start({ statePath: join(home, 'file', 'ship.json') })).rejects.toMatchObject({
    code: 'ship.cannot-keep-position',
  });
});

test('a log that this account may not read names the account and the setting', async () => {
  await writeFile(join(logs, 'a.json'), jsonlog('x'), { mode: 0o600 });
  await chmod(home, 0o755);
  // Root may read everything: for this it becomes `nobody`.
  const root = process.getuid?.() === 0;
  if (root) process.seteuid?.(65_534);
  else await chmod(join(logs, 'a.json'), 0);
  const error = await start()
    .catch((caught) => caught)
    .finally(() => root && process.seteuid?.(0));
  expect(error).toMatchObject({ code: 'ship.cannot-read-log', exit: 2 });
  expect(error.message).toMatch(/a\.json can't be read by the account .+ \(EACCES\)/);
  expect(error.fix).toContain('log_file_mode = 0640');
});

test('the state may lie in the log folder: it is never shipped, and the drain falls silent', async () => {
  const statePath = join(logs, 'ship.json');
  await writeFile(join(logs, 'a.json'), jsonlog('one'));
  const running = start({ statePath, once: false });
  await until(() => events.some((event) => event.kind === 'caught-up'));
  await sleep(300);
  const { mtimeMs } = await stat(statePath);
  await sleep(1_300);
  expect((await stat(statePath)).mtimeMs).toBe(mtimeMs);
  expect(recorder.frames).toHaveLength(1);
  stop.abort();
  await running;
});

test('the token of the configuration is used; without one a token is made up once', async () => {
  await writeFile(join(logs, 'a.json'), jsonlog('one'));
  await start();
  await appendFile(join(logs, 'a.json'), jsonlog('two'));
  await start();
  await appendFile(join(logs, 'a.json'), jsonlog('three'));
  await start({ token: 'd.configured' });
  const tokens = recorder.frames.map(({ token }) => token);
  expect(tokens[0]).toBe(tokens[1]);
  expect(tokens[2]).toBe('d.configured');
});

test('a frame left open by a crash goes out again with the same id, also after more was written', async () => {
  await writeFile(join(logs, 'a.json'), jsonlog('one') + jsonlog('two'));
  recorder.decide = () => 'cut';
  const running = start({ once: false });
  await until(() => recorder.frames.length > 0);
  // What the disk holds now is what a crash would leave.
  const left = await readFile(join(home, 'state', 'ship.json'));
  stop.abort();
  await running;
  await appendFile(join(logs, 'a.json'), jsonlog('three'));
  await writeFile(join(home, 'state', 'ship.json'), left);
  recorder.decide = () => 204;
  stop = new AbortController();
  const before = recorder.frames.length;
  await start();
  expect(recorder.frames[before]?.id).toBe(recorder.frames[0]?.id);
  expect(recorder.frames[before]?.body.equals(recorder.frames[0]?.body ?? Buffer.alloc(0))).toBe(
    true,
  );
  expect(recorder.frames).toHaveLength(before + 2);
});

test('a file truncated while its frame was open is a loss, and what replaced it is sent', async () => {
  await writeFile(join(logs, 'a.json'), jsonlog('gone'));
  recorder.decide = () => 503;
  const running = start({ once: false });
  await until(() => recorder.frames.length > 0);
  stop.abort();
  await running;
  recorder.frames.length = 0;
  await writeFile(join(logs, 'a.json'), jsonlog('new content in its place'));
  recorder.decide = () => 204;
  stop = new AbortController();
  await start();
  expect(sent('Error L13: 1 messages lost since')).toBe(1);
  expect(sent('new content in its place')).toBe(1);
});
