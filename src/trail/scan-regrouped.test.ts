import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type FrameToStore,
  herokuMessage,
  makeSmallArchive,
  type SmallArchive,
} from '../../test/rig/small-archive.ts';
import type { LogRecord } from '../logplex/record.ts';
import { scanRecords } from './scan-records.ts';

const noon = Date.UTC(2026, 5, 30, 12);
const second = 1_000;
const hour = 3_600_000;
const frameId = () => randomBytes(16).toString('hex').toUpperCase();

/** The records of an archive in which nothing is wrong. */
async function scan(small: SmallArchive): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  const span = { prefix: 'raxx', since: noon - hour, until: noon + hour };
  for await (const entry of scanRecords(small.archive, span)) {
    if (entry.type === 'finding') throw new Error(entry.finding.sentence);
    found.push(entry.record);
  }
  return found;
}

describe('a trail does not depend on how its lines were carried', () => {
  test('any grouping into frames and objects, with retries and doubles, gives the same records', async () => {
    const messages = fc.array(
      fc.record({
        process: fc.integer({ min: 1, max: 3 }),
        text: fc.array(fc.string({ unit: fc.constantFrom('a', 'é', ' ', "'", '山', '\u001b') }), {
          minLength: 1,
          maxLength: 4,
        }),
      }),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(messages, fc.infiniteStream(fc.nat(1_000)), async (given, dice) => {
        const roll = (below: number) => Number(dice.next().value) % below;
        const numbers = new Map<number, number>();
        const sent = given.map(({ process, text }, index) => {
          const logLine = (numbers.get(process) ?? 0) + 1;
          numbers.set(process, logLine);
          return {
            atMs: noon + index * 50,
            logLine,
            process,
            session: `647e3878.${process}`,
            text: `statement: ${text.join('\n')}`,
          };
        });
        const frames: FrameToStore[] = [];
        const lines = sent.flatMap(herokuMessage);
        while (lines.length > 0) {
          frames.push({ id: frameId(), lines: lines.splice(0, 1 + roll(4)) });
        }
        const world = await makeSmallArchive('raxx');
        try {
          let at = noon + second;
          for (let from = 0; from < frames.length; ) {
            const size = 1 + roll(3);
            const group = frames.slice(from, from + size);
            from += size;
            const again = frames.filter(() => roll(4) === 0);
            await world.store(at, [...group, ...again]);
            if (roll(4) === 0) await world.store(at + 10, group);
            at += 1 + roll(5_000);
          }
          const found = await scan(world);
          const expected = await makeSmallArchive('raxx');
          try {
            await expected.store(noon, [{ id: frameId(), lines: sent.flatMap(herokuMessage) }]);
            const plain = await scan(expected);
            expect(plain).toHaveLength(sent.length);
            expect(found).toEqual(plain);
          } finally {
            await expected.remove();
          }
        } finally {
          await world.remove();
        }
      }),
      { numRuns: 10 },
    );
  });
});
