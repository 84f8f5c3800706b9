import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { goldenCaptures, readGolden } from '../../test/rig/golden-files.ts';
import { herokuMessage, makeSmallArchive } from '../../test/rig/small-archive.ts';
import { parseFrame } from '../logplex/frame.ts';
import type { LogRecord } from '../logplex/record.ts';
import type { SyslogLine } from '../logplex/syslog-line.ts';
import { recordMatcher } from './match-record.ts';
import { scanRecords } from './scan-records.ts';

const day = 86_400_000;
const sorted = (records: readonly LogRecord[]) =>
  records.map((record) => JSON.stringify(record)).sort();

describe('lines of real servers', () => {
  test.each(goldenCaptures)(
    '$name gives the same records however it is stored',
    async ({ name }) => {
      const golden = readGolden(name);
      const { lines } = parseFrame(golden.frame);
      const times = lines.map((line) => Date.parse(line.timestamp));
      const start = Math.min(...times);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(99), { minLength: 50, maxLength: 50 }), async (dice) => {
          let rolls = 0;
          const roll = (below: number) => (dice[rolls++ % dice.length] ?? 0) % below;
          const rest = [...lines];
          const frames: { id: string; lines: SyslogLine[] }[] = [];
          while (rest.length > 0) {
            const id = frames.length.toString(16).padStart(32, '0');
            frames.push({ id, lines: rest.splice(0, 1 + roll(100)) });
          }
          const small = await makeSmallArchive('raxx');
          try {
            for (let from = 0; from < frames.length; ) {
              const group = frames.slice(from, from + 1 + roll(5));
              from += group.length;
              const again = frames.filter(() => roll(10) === 0);
              await small.store(start + from * 1_000, [...group, ...again]);
            }
            const found: LogRecord[] = [];
            const span = { prefix: 'raxx', since: start - day, until: start + day };
            for await (const entry of scanRecords(small.archive, span)) {
              if (entry.type === 'finding') throw new Error(entry.finding.sentence);
              found.push(entry.record);
            }
            expect(sorted(found)).toEqual(sorted(golden.records));
            const order = found.map((record) => record.time);
            expect(order).toEqual([...order].sort());
          } finally {
            await small.remove();
          }
        }),
        { numRuns: 2 },
      );
    },
  );
});

describe('zcat and grep', () => {
  test('find as many lines as the trail finds records', async () => {
    const small = await makeSmallArchive('raxx');
    const noon = Date.UTC(2026, 5, 30, 12);
    try {
      for (let object = 0; object < 20; object++) {
        const lines = Array.from({ length: 10 }, (_, index) =>
          herokuMessage({
            atMs: noon + object * 1_000,
            logLine: object * 10 + index + 1,
            text: `statement: insert into users\n\tvalues ('Zoë tok-${object}${index}-')\n-- end`,
          }),
        ).flat();
        await small.store(noon + object * 1_000, [{ lines }]);
      }
      for (const text of ['tok-7', 'tok-199-', 'Zoë tok-1', 'tok-x', "('Zoë"]) {
        const counted = execFileSync(
          'sh',
          [
            '-c',
            'find "$1" -name "*.gz" -exec zcat {} + | grep -cF -- "$2" || true',
            '-',
            small.folder,
            text,
          ],
          { encoding: 'utf8' },
        );
        let records = 0;
        const keep = recordMatcher({ texts: [text] });
        const span = { prefix: 'raxx', since: noon - day, until: noon + day, keep };
        for await (const entry of scanRecords(small.archive, span)) {
          if (entry.type === 'record') records += 1;
        }
        expect(`${text} ${records}`).toBe(`${text} ${counted.trim()}`);
      }
    } finally {
      await small.remove();
    }
  });
});
