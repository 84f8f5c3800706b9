import { expect, onTestFinished, test } from 'vitest';
import { randomFrom } from '../rig/random.ts';
import { makeReceiverHome } from '../rig/receiver-home.ts';
import { runKillRounds } from '../soak/kill-rounds.ts';

test('killed 20 times at random moments under load, the receiver has all it acknowledged, and the trail tells each line once', async () => {
  const seed = Date.now() % 2 ** 31;
  const home = await makeReceiverHome();
  onTestFinished(() => home.remove());
  const report = await runKillRounds(home, { rounds: 20, roll: randomFrom(seed) });
  expect(report.wrong, `seed ${seed}`).toEqual([]);
  // The load was one: frames were cut off, and frames were acknowledged.
  expect(report.statuses.get(0)).toBeGreaterThan(20);
  expect(report.acknowledged).toBeGreaterThan(60);
  expect(report.records).toBeGreaterThan(report.acknowledged);
}, 120_000);
