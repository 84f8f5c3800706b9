import { type ChildProcess, spawn } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FrameRecorder } from '../../test/rig/frame-recorder.ts';
import { parseFrame } from '../logplex/frame.ts';

/** The command as it is installed: `npm test` builds it before. */
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

let home: string;
const recorder = new FrameRecorder();
let drainUrl: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pgwitness-ship-'));
  await mkdir(join(home, 'log'));
  drainUrl = `http://shop:s3cret@127.0.0.1:${await recorder.listen()}/`;
  await writeFile(
    join(home, 'pgwitness.yaml'),
    `version: 1
archive: { folder: archive }
apps:
  shop:
    drain: { secret_env: S, tokens: [d.kill] }
    database: { owner_url_env: O, owner: o, tables: [t] }
    ship: { log_directory: log, state: state.json, drain_url_env: SHOP_DRAIN_URL }
`,
  );
});
afterAll(async () => {
  await recorder.close();
  await rm(home, { recursive: true, force: true });
});

function spawnShip(...flags: string[]): ChildProcess {
  return spawn(process.execPath, [main, 'ship', '--config', 'pgwitness.yaml', ...flags], {
    cwd: home,
    env: { PATH: process.env['PATH'], SHOP_DRAIN_URL: drainUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}

test('killed at any moment, it sends every line, and a frame twice only under its id', async () => {
  const answers = [204, 204, 204, 'cut', 503, 204] as const;
  let turn = 0;
  recorder.decide = () => answers[turn++ % answers.length] ?? 204;
  let written = 0;
  let writing = true;
  const writer = (async () => {
    while (writing) {
      const lines = Array.from({ length: 25 }, () => {
        const message = `statement: select ${written++} ${'x'.repeat((written * 37) % 600)}`;
        return `{"timestamp":"2026-06-30 10:00:00.123 UTC","pid":1,"session_id":"6a43920f.1","line_num":${written},"session_start":"2026-06-30 09:53:19 UTC","error_severity":"LOG","message":"${message}"}\n`;
      });
      // A new file now and then, and cuts in the middle of lines.
      const path = join(home, 'log', `postgresql-${Math.floor(written / 2_000)}.json`);
      const text = lines.join('');
      await appendFile(path, text.slice(0, 1_000));
      await sleep(1);
      await appendFile(path, text.slice(1_000));
      await sleep(2);
    }
  })();
  for (let kills = 0; kills < 4; kills++) {
    const child = spawnShip();
    const end = ended(child);
    const before = recorder.frames.length;
    while (recorder.frames.length === before && child.exitCode === null) await sleep(5);
    // Somewhere between reading, keeping the position, sending and being answered.
    await sleep(kills * 45);
    child.kill('SIGKILL');
    const { output } = await end;
    expect(output).not.toContain('s3cret');
  }
  writing = false;
  await writer;
  recorder.decide = () => 204;
  expect(await ended(spawnShip('--once'))).toMatchObject({ code: 0 });

  const bodies = new Map<string, Buffer>();
  for (const { id, body } of recorder.frames) {
    expect(bodies.get(id)?.equals(body) ?? true).toBe(true);
    bodies.set(id, body);
  }
  const stored = new Map(recorder.stored.map(({ id, body }) => [id, body]));
  const numbers = [...stored.values()].flatMap((body) =>
    parseFrame(body).lines.map(({ message }) =>
      Number(/select (\d+)/.exec(Buffer.from(message).toString('latin1'))?.[1]),
    ),
  );
  // Each line, and none in two frames: by frame ids alone, every double is told apart.
  expect(numbers.sort((x, y) => x - y)).toEqual(Array.from({ length: written }, (_, n) => n));
  expect(recorder.frames.length).toBeGreaterThan(bodies.size);
});

test('Ctrl-C ends it with exit 0 within seconds, and --json tells what happened', async () => {
  const child = spawnShip('--json');
  const end = ended(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  const began = Date.now();
  child.kill('SIGINT');
  const { code, output } = await end;
  expect(code).toBe(0);
  expect(Date.now() - began).toBeLessThan(2_000);
  const [first] = output.split('\n');
  expect(JSON.parse(first ?? '')).toMatchObject({ kind: 'started', token: 'd.kill' });
});
