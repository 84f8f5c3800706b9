import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { drainHeaders, frameOf } from '../../test/rig/drain.ts';
import { receiverHome } from '../../test/rig/receiver-child.ts';
import { listed } from '../../test/rig/sink-conformance.ts';
import { folderArchive } from '../sink/folder-archive.ts';
import { readFrames } from '../sink/read-frames.ts';

async function post(url: URL, agent: Agent, id: string, body: Uint8Array): Promise<number> {
  const headers = { ...drainHeaders({ user: 'raxx', id }), 'content-length': body.length };
  const request = httpRequest(url, { method: 'POST', agent, headers });
  request.end(body);
  const [response] = await once(request, 'response');
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

/** Drains that send one frame after the other, each again and again until it is acknowledged. */
function startLoad(url: URL, drains: number) {
  const acknowledged: string[] = [];
  let unanswered = 0;
  let runs = true;
  let stops = false;
  const drain = async (name: number): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let at = 0; runs; at++) {
      const id = `${name}-${at}`.padStart(32, '0');
      const body = frameOf(`drain ${name} frame ${at}`);
      while (!stops) {
        const status = await post(url, agent, id, body).catch(() => 0);
        if (status === 200) {
          acknowledged.push(Buffer.from(body).toString('latin1'));
          break;
        }
        unanswered += 1;
        await sleep(20);
      }
    }
    agent.destroy();
  };
  const work = Promise.all(Array.from({ length: drains }, (_, at) => drain(at)));
  return {
    acknowledged,
    unanswered: () => unanswered,
    /** Each drain's last frame is acknowledged when this resolves, unless the server is gone for good. */
    async end(gone = false): Promise<void> {
      runs = false;
      stops = gone;
      await work;
    },
  };
}

async function storedBodies(folder: string): Promise<string[]> {
  const archive = folderArchive(folder);
  const bodies: string[] = [];
  for (const { key } of await listed(archive, 'logs/')) {
    for (const frame of readFrames(await archive.read(key))) {
      bodies.push(
        frame.kind === 'frame' ? Buffer.from(frame.body).toString('latin1') : frame.reason,
      );
    }
  }
  return bodies;
}

/** Frames by their ids, as a reader tells them: what stands in two objects is one. */
async function storedOnce(folder: string): Promise<string[]> {
  const archive = folderArchive(folder);
  const bodies = new Map<string, string>();
  for (const { key } of await listed(archive, 'logs/')) {
    for (const frame of readFrames(await archive.read(key))) {
      if (frame.kind !== 'frame') throw new Error(`${key}: ${frame.reason}`);
      bodies.set(frame.meta?.id ?? key, Buffer.from(frame.body).toString('latin1'));
    }
  }
  return [...bodies.values()];
}

test('killed at random moments under load, the receiver has every acknowledged frame, and a reader sees it once', async () => {
  const home = receiverHome();
  let { child, exited, url } = await home.start();
  const port = Number(url.port);
  const load = startLoad(url, 4);
  for (let kill = 0; kill < 5; kill++) {
    const before = load.acknowledged.length;
    while (load.acknowledged.length < before + 5) await sleep(5);
    await sleep(Math.random() * 60);
    child.kill('SIGKILL');
    await exited;
    ({ child, exited } = await home.start(port));
  }
  await load.end();
  const stored = await storedOnce(home.archive);
  expect(load.unanswered()).toBeGreaterThan(0);
  expect(load.acknowledged.length).toBeGreaterThan(25);
  expect(stored.sort()).toEqual([...load.acknowledged].sort());
}, 60_000);

test('SIGTERM ends the process with 0 after the frame in flight is answered', async () => {
  const home = receiverHome();
  const { child, exited, url, told } = await home.start();
  expect(told).toEqual({ listening: `http://127.0.0.1:${url.port}`, archive: home.archive });
  const agent = new Agent({ keepAlive: true });
  const body = frameOf('x'.repeat(3_000));
  const headers = { ...drainHeaders({}), 'content-length': body.length };
  const request = httpRequest(url, { method: 'POST', agent, headers });
  request.write(body.subarray(0, 100));
  await once(request, 'socket');
  await sleep(200);
  child.kill('SIGTERM');
  await sleep(200);
  request.end(body.subarray(100));
  const [response] = await once(request, 'response');
  expect(response.statusCode).toBe(200);
  response.resume();
  expect(await exited).toEqual([0, null]);
  agent.destroy();
  expect(await storedBodies(home.archive)).toEqual([Buffer.from(body).toString('latin1')]);
});

test('SIGTERM under load loses nothing that was acknowledged, cuts no frame and ends with 0', async () => {
  const home = receiverHome();
  const { child, exited, url } = await home.start();
  const load = startLoad(url, 12);
  while (load.acknowledged.length < 60) await sleep(5);
  const begin = performance.now();
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  expect(performance.now() - begin).toBeLessThan(5_000);
  await load.end(true);
  expect(load.unanswered()).toBeGreaterThan(0);
  const stored = await storedOnce(home.archive);
  expect(stored).toEqual(expect.arrayContaining(load.acknowledged));
});

test.skipIf(!existsSync('/dev/full'))(
  'where its log can’t be written, the receiver acknowledges what it stores, counts it, and ends with 0',
  async () => {
    const home = receiverHome();
    const full = openSync('/dev/full', 'w');
    const { child, exited, url } = await home.start(0, full);
    closeSync(full);
    const agent = new Agent({ keepAlive: true });
    for (const at of [1, 2, 3]) {
      // What is no line of a log is logged.
      const body = Buffer.from(`no line ${at}`);
      expect(await post(url, agent, String(at).padStart(32, '0'), body)).toBe(200);
    }
    agent.destroy();
    const metrics = await (await fetch(new URL('/metrics', url))).text();
    expect(metrics).toMatch(/^pgwitness_log_failures_total [1-9]/m);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect((await storedBodies(home.archive)).sort()).toEqual([
      'no line 1',
      'no line 2',
      'no line 3',
    ]);
  },
);

test('where nobody reads its log, the receiver goes on and ends with 0', async () => {
  const home = receiverHome();
  const { child, exited, url } = await home.start();
  child.stderr?.pause();
  const agent = new Agent({ keepAlive: true });
  // Each of them is logged with its key: more than a pipe and its reader take.
  for (let at = 0; at < 1_200; at += 40) {
    const some = Array.from({ length: 40 }, (_, more) =>
      post(url, agent, String(at + more).padStart(32, '0'), Buffer.from(`no line ${at + more}`)),
    );
    expect(new Set(await Promise.all(some))).toEqual(new Set([200]));
  }
  agent.destroy();
  child.kill('SIGTERM');
  await once(child, 'exit');
  child.stderr?.resume();
  expect(await exited).toEqual([0, null]);
});

test('a missing password, a port in use and a bad port each end with a sentence and the documented code', async () => {
  const home = receiverHome();
  const missing = await home.run([], {});
  expect([missing.code, missing.stdout]).toEqual([2, '']);
  expect(missing.stderr).toContain('RAXX_SECRET');
  expect(missing.stderr).toContain('receive.no-secret');
  const { url } = await home.start();
  const inUse = await home.run(['--port', url.port]);
  expect(inUse.code).toBe(3);
  expect(inUse.stderr).toContain(`Port ${url.port} on 127.0.0.1 is in use`);
  const bad = await home.run(['--port', '70000']);
  expect(bad.code).toBe(2);
  expect(bad.stderr).toContain('0 to 65535');
});
