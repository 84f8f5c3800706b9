import {
  appendFile,
  chmod,
  copyFile,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { jsonlog, logWorld, until } from '../../test/rig/log-world.ts';
import { parseFrame } from '../logplex/frame.ts';

const world = logWorld();

test('a last line that is not finished waits until it is', async () => {
  const line = jsonlog('half and half');
  await writeFile(join(world.logs, 'a.json'), jsonlog('whole') + line.slice(0, 70));
  await world.start();
  expect(world.sent('whole')).toBe(1);
  expect(world.texts()).toHaveLength(1);
  await appendFile(join(world.logs, 'a.json'), line.slice(70));
  await world.start();
  expect(world.sent('half and half')).toBe(1);
});

test('the stump of a line that a crash tore is sent once the server went on elsewhere', async () => {
  await writeFile(join(world.logs, 'a.json'), jsonlog('whole') + jsonlog('stump').slice(0, -3));
  await world.age('a.json');
  await writeFile(join(world.logs, 'b.json'), jsonlog('after'));
  await world.start();
  expect(world.texts().map((text) => /whole|stump|after/.exec(text)?.[0])).toEqual([
    'whole',
    'stump',
    'after',
  ]);
});

test('a line that the restarted server wrote right behind a stump is a line of its own', async () => {
  await writeFile(
    join(world.logs, 'a.json'),
    `${jsonlog('stump').slice(0, 180)}${jsonlog('next')}`,
  );
  await world.start();
  expect(world.texts()).toHaveLength(2);
  expect(JSON.parse(world.texts()[1] ?? '')).toMatchObject({ message: 'next' });
});

test('a file that is truncated and written anew under its name is read from its start', async () => {
  await writeFile(join(world.logs, 'tue.json'), jsonlog('first week') + jsonlog('more'));
  await world.age('tue.json');
  await writeFile(join(world.logs, 'wed.json'), jsonlog('next day'));
  await world.start();
  await truncate(join(world.logs, 'tue.json'));
  await appendFile(
    join(world.logs, 'tue.json'),
    jsonlog('second week') + jsonlog('more') + jsonlog('longer'),
  );
  await world.start();
  expect([
    world.sent('first week'),
    world.sent('second week'),
    world.sent('longer'),
    world.sent('next day'),
  ]).toEqual([1, 1, 1, 1]);
  expect(world.sent('L13')).toBe(0);
});

test('a file that is renamed, or found on another device with its bytes, is not sent again', async () => {
  await writeFile(join(world.logs, 'a.json'), jsonlog('once') + jsonlog('only'));
  await world.start();
  await rename(join(world.logs, 'a.json'), join(world.logs, 'b.json'));
  await appendFile(join(world.logs, 'b.json'), jsonlog('then'));
  await world.start();
  // A restored folder: other inodes, the same bytes.
  await copyFile(join(world.logs, 'b.json'), join(world.home, 'copy'));
  await rm(join(world.logs, 'b.json'));
  await rename(join(world.home, 'copy'), join(world.logs, 'b.json'));
  await world.start();
  expect([world.sent('once'), world.sent('only'), world.sent('then')]).toEqual([1, 1, 1]);
  expect(world.sent('L13')).toBe(0);
});

test('a file that was deleted before all of it was known to be sent is told as a loss', async () => {
  await writeFile(join(world.logs, 'a.json'), jsonlog('seen'));
  await world.start();
  await appendFile(join(world.logs, 'a.json'), jsonlog('never seen'));
  await rm(join(world.logs, 'a.json'));
  await writeFile(join(world.logs, 'b.json'), jsonlog('later'));
  await world.start();
  const frame = world.recorder.frames.at(-1);
  const parsed = parseFrame(frame?.body ?? Buffer.alloc(0));
  expect(parsed.losses).toEqual([
    { code: 'L13', count: 1, since: '2026-06-30T10:00:00.123+00:00' },
  ]);
  expect(frame?.count).toBe(parsed.lines.length);
  expect(world.sent('a.json was deleted before all of it was sent')).toBe(1);
  expect(world.sent('later')).toBe(1);
  expect(world.events.filter((event) => event.kind === 'loss')).toHaveLength(1);
  await world.start();
  expect(world.sent('L13')).toBe(1);
});

test('a file that was sent whole and left by the server may be deleted without a word', async () => {
  await writeFile(join(world.logs, 'a.json'), jsonlog('old'));
  await world.age('a.json');
  await writeFile(join(world.logs, 'b.json'), jsonlog('new'));
  await world.start();
  await rm(join(world.logs, 'a.json'));
  await world.start();
  expect(world.sent('L13')).toBe(0);
});

test('deleting the file that is being followed loses nothing of what the server still writes to it', async () => {
  const path = join(world.logs, 'a.json');
  await writeFile(path, jsonlog('before'));
  const server = await open(path, 'a');
  const running = world.start({ once: false });
  await until(() => world.sent('before') === 1);
  await rm(path);
  await server.write(jsonlog('into the void'));
  await until(() => world.sent('into the void') === 1);
  await server.close();
  await writeFile(join(world.logs, 'b.json'), jsonlog('next file'));
  await until(() => world.sent('next file') === 1);
  world.stop.abort();
  await running;
  expect(world.sent('L13')).toBe(0);
});

test('every zone of the server comes out in UTC, told by the session and not by the abbreviation', async () => {
  // The session began at 1782813199 = 0x6a43920f, 2026-06-30 09:53:19 UTC.
  const at = (timestamp: string, session_start: string) =>
    jsonlog('t', { timestamp, session_start });
  await writeFile(
    join(world.logs, 'a.json'),
    at('2026-06-30 10:00:00.123 UTC', '2026-06-30 09:53:19 UTC') +
      at('2026-06-30 15:30:00.123 IST', '2026-06-30 15:23:19 IST') +
      at('2026-06-30 07:00:00.123 -03', '2026-06-30 06:53:19 -03') +
      // The clocks went back while the session lasted; another session of the same frame knows the new zone.
      at('2026-06-30 11:00:00.123 CET', '2026-06-30 11:53:19 CEST') +
      at('2026-06-30 11:00:00.123 CET', '2026-06-30 10:53:19 CET'),
  );
  await world.start();
  expect(world.lines().map((line) => line.timestamp)).toEqual(
    Array(5).fill('2026-06-30T10:00:00.123+00:00'),
  );
});

test('a server that writes another format, and files that are no log, are named', async () => {
  await writeFile(join(world.logs, 'postgresql-1.log'), 'LOG:  started\n');
  await expect(world.start()).rejects.toMatchObject({ code: 'ship.not-jsonlog', exit: 2 });
  await writeFile(join(world.logs, 'package.json'), '{"name": "secret"}\n');
  await expect(world.start()).rejects.toMatchObject({ code: 'ship.not-jsonlog', exit: 2 });
  await writeFile(join(world.logs, 'a.json'), jsonlog('real'));
  await world.start();
  expect(world.texts()).toHaveLength(1);
  expect(
    world.events.some((event) => event.kind === 'left-alone' && event.file === 'package.json'),
  ).toBe(true);
});

test('a folder that is not there, a state that is none and a URL that is none are a sentence each', async () => {
  await expect(world.start({ logDirectory: join(world.home, 'nowhere') })).rejects.toMatchObject({
    code: 'ship.no-log-folder',
    exit: 2,
  });
  for (const drainUrl of ['nonsense s3cret', 'ftp://a:s3cret@b/', 'https://a:%zz@b/']) {
    const error = await world.start({ drainUrl }).catch((caught) => caught);
    expect(error).toMatchObject({ code: 'ship.bad-drain-url', exit: 2 });
    expect(JSON.stringify([error, `${error}`])).not.toContain('s3cret');
  }
  await mkdir(join(world.home, 'state'));
  await writeFile(join(world.home, 'state', 'ship.json'), '{"version":1}');
  await expect(world.start()).rejects.toMatchObject({ code: 'ship.bad-state', exit: 2 });
  await writeFile(join(world.home, 'file'), '');
  await expect(
    world.start({ statePath: join(world.home, 'file', 'ship.json') }),
  ).rejects.toMatchObject({
    code: 'ship.cannot-keep-position',
  });
});

test('a log that this account may not read names the account and the setting', async () => {
  await writeFile(join(world.logs, 'a.json'), jsonlog('x'), { mode: 0o600 });
  await chmod(world.home, 0o755);
  // Root may read everything: for this it becomes `nobody`.
  const root = process.getuid?.() === 0;
  if (root) process.seteuid?.(65_534);
  else await chmod(join(world.logs, 'a.json'), 0);
  const error = await world
    .start()
    .catch((caught) => caught)
    .finally(() => root && process.seteuid?.(0));
  expect(error).toMatchObject({ code: 'ship.cannot-read-log', exit: 2 });
  expect(error.message).toMatch(/a\.json can't be read by the account .+ \(EACCES\)/);
  expect(error.fix).toContain('log_file_mode = 0640');
});

test('the state may lie in the log folder: it is never shipped, and the drain falls silent', async () => {
  const statePath = join(world.logs, 'ship.json');
  await writeFile(join(world.logs, 'a.json'), jsonlog('one'));
  const running = world.start({ statePath, once: false });
  await until(() => world.events.some((event) => event.kind === 'caught-up'));
  await sleep(300);
  const { mtimeMs } = await stat(statePath);
  await sleep(1_300);
  expect((await stat(statePath)).mtimeMs).toBe(mtimeMs);
  expect(world.recorder.frames).toHaveLength(1);
  world.stop.abort();
  await running;
});

test('the token of the configuration is used; without one a token is made up once', async () => {
  await writeFile(join(world.logs, 'a.json'), jsonlog('one'));
  await world.start();
  await appendFile(join(world.logs, 'a.json'), jsonlog('two'));
  await world.start();
  await appendFile(join(world.logs, 'a.json'), jsonlog('three'));
  await world.start({ token: 'd.configured' });
  const tokens = world.recorder.frames.map(({ token }) => token);
  expect(tokens[0]).toBe(tokens[1]);
  expect(tokens[2]).toBe('d.configured');
});

test('a frame left open by a crash goes out again with the same id, also after more was written', async () => {
  await writeFile(join(world.logs, 'a.json'), jsonlog('one') + jsonlog('two'));
  world.recorder.decide = () => 'cut';
  const running = world.start({ once: false });
  await until(() => world.recorder.frames.length > 0);
  // What the disk holds now is what a crash would leave.
  const left = await readFile(join(world.home, 'state', 'ship.json'));
  world.stop.abort();
  await running;
  await appendFile(join(world.logs, 'a.json'), jsonlog('three'));
  await writeFile(join(world.home, 'state', 'ship.json'), left);
  world.recorder.decide = () => 204;
  world.stop = new AbortController();
  const before = world.recorder.frames.length;
  await world.start();
  expect(world.recorder.frames[before]?.id).toBe(world.recorder.frames[0]?.id);
  expect(
    world.recorder.frames[before]?.body.equals(world.recorder.frames[0]?.body ?? Buffer.alloc(0)),
  ).toBe(true);
  expect(world.recorder.frames).toHaveLength(before + 2);
});

test('a file truncated while its frame was open is a loss, and what replaced it is sent', async () => {
  await writeFile(join(world.logs, 'a.json'), jsonlog('gone'));
  world.recorder.decide = () => 503;
  const running = world.start({ once: false });
  await until(() => world.recorder.frames.length > 0);
  world.stop.abort();
  await running;
  world.recorder.frames.length = 0;
  await writeFile(join(world.logs, 'a.json'), jsonlog('new content in its place'));
  world.recorder.decide = () => 204;
  world.stop = new AbortController();
  await world.start();
  expect(world.sent('Error L13: 1 messages lost since')).toBe(1);
  expect(world.sent('new content in its place')).toBe(1);
});
