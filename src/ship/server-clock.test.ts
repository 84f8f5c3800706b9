import { appendFile, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { jsonlog, logWorld, until } from '../../test/rig/log-world.ts';

const world = logWorld();
const path = () => join(world.logs, 'a.json');

/** 2026-03-27 09:00:00 UTC, in winter; the clocks of Berlin go forward on the 29th. */
const winter = Date.UTC(2026, 2, 27, 9) / 1_000;
const summer = Date.UTC(2026, 2, 31, 12) / 1_000;

/** The wall clock of Berlin at `epoch` seconds. */
function berlin(epoch: number, zone: 'CET' | 'CEST'): string {
  const wall = new Date((epoch + (zone === 'CET' ? 3_600 : 7_200)) * 1_000).toISOString();
  return `${wall.slice(0, 10)} ${wall.slice(11, 19)}`;
}

/** A line at `epoch` in CEST, of a session that began in winter or, for `fresh`, when the line was written. */
function summerLine(message: string, epoch = summer, fresh = false): string {
  const began = fresh ? epoch : winter;
  return jsonlog(message, {
    timestamp: `${berlin(epoch, 'CEST')}.250 CEST`,
    session_id: `${began.toString(16)}.4d`,
    session_start: `${berlin(began, fresh ? 'CEST' : 'CET')} ${fresh ? 'CEST' : 'CET'}`,
  });
}

const times = () => world.lines().map(({ timestamp }) => timestamp);
const warnings = () => world.events.filter((event) => event.kind === 'warning');

test('a session that began before the clocks went forward is placed by the time of its file', async () => {
  await writeFile(path(), summerLine('alone'));
  await utimes(path(), summer, summer + 0.3);
  await world.start();
  expect(times()).toEqual(['2026-03-31T12:00:00.250+00:00']);
  expect(warnings()).toEqual([]);
});

test('where nothing tells the zone, a line is not placed later than its file, and that is said', async () => {
  await writeFile(path(), summerLine('alone') + summerLine('again', summer + 1));
  // Touched a week later: that proves nothing.
  const touched = summer + 7 * 86_400 + 450;
  await utimes(path(), touched, touched);
  await world.start();
  expect(times()).toEqual(Array(2).fill('2026-04-07T12:07:30.000+00:00'));
  expect(warnings()).toHaveLength(1);
  expect(warnings()[0]).toMatchObject({ why: expect.stringContaining('log_timezone = UTC') });
});

test('an offset that one session gave away holds for others, also after a stop', async () => {
  await writeFile(path(), summerLine('fresh', summer, true));
  await world.start();
  await appendFile(path(), summerLine('old', summer + 60));
  await utimes(path(), summer + 450, summer + 450);
  await world.start();
  expect(times()).toEqual(['2026-03-31T12:00:00.250+00:00', '2026-03-31T12:01:00.250+00:00']);
  expect(warnings()).toEqual([]);
});

test('a frame that is sent again has the times it had, whatever was learned since', async () => {
  await writeFile(path(), summerLine('alone'));
  await utimes(path(), summer, summer);
  world.recorder.decide = () => 'cut';
  const running = world.start({ once: false });
  await until(() => world.recorder.frames.length > 0);
  const left = await readFile(join(world.home, 'state', 'ship.json'));
  world.stop.abort();
  await running;
  await appendFile(path(), summerLine('fresh', summer + 60, true));
  await utimes(path(), summer + 86_400, summer + 86_400);
  await writeFile(join(world.home, 'state', 'ship.json'), left);
  world.recorder.decide = () => 204;
  world.stop = new AbortController();
  const before = world.recorder.frames.length;
  await world.start();
  const bodies = world.recorder.frames.map(({ body }) => body.toString());
  expect(bodies[before]).toBe(bodies[0]);
});
