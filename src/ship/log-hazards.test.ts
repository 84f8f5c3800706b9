import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, renameSync, rmSync } from 'node:fs';
import {
  appendFile,
  chmod,
  mkdir,
  open,
  readFile,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { jsonlog, logWorld, until } from '../../test/rig/log-world.ts';
import { parseFrame } from '../logplex/frame.ts';
import { readState } from './state.ts';

const world = logWorld();
const log = (name: string) => join(world.logs, name);
const leftAlone = () =>
  world.events.flatMap((event) => (event.kind === 'left-alone' ? [event.file] : []));

for (const [how, vanish] of [
  ['deleted', () => rmSync(log('a.json'))],
  ['replaced by another', () => renameSync(log('b.json'), log('a.json'))],
] as const) {
  test(`a line that comes to a file long left, which is ${how} at once, is sent`, async () => {
    await writeFile(log('a.json'), jsonlog('old'));
    await world.age('a.json');
    await writeFile(log('b.json'), jsonlog('new'));
    const running = world.start({ once: false });
    await until(() => world.events.some((event) => event.kind === 'caught-up'));
    const state = await readState(join(world.home, 'state', 'ship.json'));
    expect(state?.files.find((file) => file.name === 'a.json')).toMatchObject({ settled: true });
    // Without a pause: nobody can look in between.
    appendFileSync(log('a.json'), jsonlog('late'));
    vanish();
    await until(() => world.sent('late') === 1);
    world.stop.abort();
    await running;
    expect([world.sent('old'), world.sent('new'), world.sent('L13')]).toEqual([1, 1, 0]);
  });
}

test('which of two files is newer is told within a millisecond, too', async () => {
  await writeFile(log('older.json'), jsonlog('one'));
  await writeFile(log('newer.json'), jsonlog('two'));
  await world.start();
  await appendFile(log('older.json'), jsonlog('three'));
  await appendFile(log('newer.json'), jsonlog('still being written').slice(0, -3));
  const second = Math.floor(Date.now() / 1_000) - 60;
  await utimes(log('older.json'), second, second + 0.5002);
  await utimes(log('newer.json'), second, second + 0.5007);
  await world.start();
  expect([world.sent('three'), world.sent('still being written')]).toEqual([1, 0]);
});

test('what is no regular file, or leads nowhere, is told and holds nothing up', async () => {
  await writeFile(log('real.json'), jsonlog('real'));
  execFileSync('mkfifo', [log('fifo.json')]);
  await mkdir(log('folder'));
  await symlink(log('folder'), log('folder.json'));
  await symlink('loop.json', log('loop.json'));
  await symlink('nowhere', log('dangling.json'));
  await world.start();
  expect(world.sent('real')).toBe(1);
  expect(leftAlone().sort()).toEqual(['fifo.json', 'folder.json', 'loop.json']);
});

test('files that lose their read right unread are told, and sent once they have it again', async () => {
  // More than are held open at once.
  const names = Array.from({ length: 80 }, (_, index) => `${index}.json`);
  for (const [index, name] of names.entries()) {
    await writeFile(log(name), jsonlog(`text ${name}`));
    await world.age(name, 1_000 - index);
  }
  await mkdir(join(world.home, 'state'));
  for (const path of [world.home, join(world.home, 'state')]) await chmod(path, 0o777);
  // Root may read everything: for this it becomes `nobody`.
  const root = process.getuid?.() === 0;
  const become = (uid: number) => root && process.seteuid?.(uid);
  const setMode = (mode: number) => {
    become(0);
    for (const name of names.slice(0, 10)) chmodSync(log(name), mode);
    become(65_534);
  };
  become(65_534);
  try {
    world.recorder.decide = () => 503;
    const running = world.start({ once: false });
    await until(() => world.recorder.frames.length > 0);
    setMode(0);
    world.recorder.decide = () => 204;
    await until(() => leftAlone().includes('9.json'));
    setMode(0o644);
    await until(() => world.recorder.stored.length === names.length);
    world.stop.abort();
    await running;
  } finally {
    become(0);
  }
  const texts = world.recorder.stored.map(({ body }) => /text \d+\.json/.exec(`${body}`)?.[0]);
  expect(texts.sort()).toEqual(names.map((name) => `text ${name}`).sort());
});

test('zeros that a crash left before the first line are told as a loss, and the rest is sent', async () => {
  await writeFile(log('a.json'), Buffer.alloc(150_000));
  await appendFile(log('a.json'), jsonlog('after the crash'));
  await world.start();
  expect(world.sent('after the crash')).toBe(1);
  expect(world.texts().at(-1)).toMatch(/^\{"timestamp"/);
  const [frame] = world.recorder.frames;
  expect(parseFrame(frame?.body ?? Buffer.alloc(0)).losses).toMatchObject([{ code: 'L13' }]);
  expect(world.sent('a crash blanked the first 150000 bytes of a.json')).toBe(1);
  await appendFile(log('a.json'), jsonlog('and on'));
  await world.start();
  expect([world.sent('after the crash'), world.sent('and on'), world.sent('L13')]).toEqual([
    1, 1, 1,
  ]);
});

test('a copy in the place of the file that the server writes to hides nothing', async () => {
  await writeFile(log('a.json'), jsonlog('one'));
  const server = await open(log('a.json'), 'a');
  const running = world.start({ once: false });
  await until(() => world.sent('one') === 1);
  await writeFile(join(world.home, 'copy'), await readFile(log('a.json')));
  renameSync(join(world.home, 'copy'), log('a.json'));
  await until(() => world.sent('one') === 2);
  await server.write(jsonlog('two'));
  await until(() => world.sent('two') === 1);
  await server.close();
  world.stop.abort();
  await running;
});
