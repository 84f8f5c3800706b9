import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRunning } from '../rig/is-running.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

interface Line {
  readonly step?: string;
  readonly running?: { readonly postgres: number; readonly receive: number; readonly ship: number };
  readonly restarted?: string;
  readonly up?: boolean;
  readonly proof?: {
    readonly ok: boolean;
    readonly smoke: { readonly ok: boolean; readonly lagMs?: number; readonly objectKey?: string };
    readonly writes: {
      readonly committed: number;
      readonly once: number;
      readonly changes: number;
      readonly history: number;
    };
  };
}

describe('the demo', { timeout: 120_000 }, () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pgwitness-demo-'));
  });
  const started: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of started.splice(0)) {
      // A demo that a test left behind takes its processes and its database along.
      child.kill('SIGTERM');
      await exitCode(child);
    }
    await rm(directory, { recursive: true, force: true });
  });

  const start = (...more: string[]) => {
    const child = spawn(process.execPath, [main, 'demo', '--json', '--dir', directory, ...more], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    started.push(child);
    const lines: Line[] = [];
    const heard = (line: Line) => lines.push(line);
    const until = async (wanted: (line: Line) => boolean): Promise<Line> => {
      await expect.poll(() => lines.some(wanted), { timeout: 60_000, interval: 20 }).toBe(true);
      return lines.find(wanted) as Line;
    };
    createInterface({ input: child.stdout }).on('line', (line) => heard(JSON.parse(line)));
    return { child, lines, until };
  };

  it('proves the whole way once, and leaves nothing running', async () => {
    const demo = start('--once', '--writes', '100');
    const { running } = await demo.until((line) => line.running !== undefined);
    expect(await exitCode(demo.child)).toBe(0);
    const proof = demo.lines.find((line) => line.proof !== undefined)?.proof;
    expect(proof).toMatchObject({
      ok: true,
      smoke: { ok: true, objectKey: expect.stringMatching(/^logs\/raxx-api-staging\//) },
      writes: { committed: 90, once: 90 },
    });
    expect(proof?.smoke.lagMs).toBeGreaterThan(0);
    expect(Object.values(running ?? {}).filter(isRunning)).toEqual([]);
  });

  it('loses no committed write and doubles none when the receiver is killed among them', async () => {
    const demo = start('--once', '--writes', '1500');
    const { running } = await demo.until((line) => line.running !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 400));
    process.kill(running?.receive ?? 0, 'SIGKILL');
    await demo.until((line) => line.restarted === 'receive');
    expect(await exitCode(demo.child)).toBe(0);
    const writes = demo.lines.find((line) => line.proof !== undefined)?.proof?.writes;
    expect(writes).toMatchObject({ committed: 1350, once: 1350 });
    expect(writes?.history).toBe(writes?.changes);
  });

  it('goes on when the database crashes among the writes and recovers', async () => {
    const demo = start('--once', '--writes', '1500');
    const { running } = await demo.until((line) => line.running !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 400));
    const children = await readFile(
      `/proc/${running?.postgres}/task/${running?.postgres}/children`,
      'utf8',
    );
    // The youngest child serves a connection: its death makes the server end all and recover.
    process.kill(Number(children.trim().split(' ').at(-1)), 'SIGKILL');
    expect(await exitCode(demo.child)).toBe(0);
    const writes = demo.lines.find((line) => line.proof !== undefined)?.proof?.writes;
    expect(writes?.once).toBe(writes?.committed);
  });

  it('stays up after the proof until Ctrl-C, then stops everything', async () => {
    const demo = start('--writes', '20');
    const { running } = await demo.until((line) => line.running !== undefined);
    await demo.until((line) => line.up === true);
    expect(Object.values(running ?? {}).filter(isRunning)).toHaveLength(3);
    demo.child.kill('SIGINT');
    expect(await exitCode(demo.child)).toBe(0);
    expect(Object.values(running ?? {}).filter(isRunning)).toEqual([]);
  });

  it('leaves nothing running when it is killed itself', async () => {
    const demo = start('--writes', '20');
    const { running } = await demo.until((line) => line.running !== undefined);
    await demo.until((line) => line.up === true);
    demo.child.kill('SIGKILL');
    await expect
      .poll(() => Object.values(running ?? {}).filter(isRunning), { timeout: 15_000 })
      .toEqual([]);
  });
});

async function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}
