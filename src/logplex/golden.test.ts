import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goldenCaptures, readGolden } from '../../test/rig/golden-files.ts';
import { expectSameAsJson, expectTruth, recordsOf } from '../../test/rig/golden-truth.ts';
import { encodeFrame, parseFrame } from './frame.ts';
import { recordIdentity } from './identity.ts';
import type { SyslogLine } from './syslog-line.ts';

describe.each(goldenCaptures)('$name, captured from a real server', ({ name, prefix }) => {
  const golden = readGolden(name);

  it('gives each statement as it was sent, and none that was not', () => {
    expectTruth({ prefix, sent: golden.sent, frame: golden.frame });
  });

  it('gives the records that were reviewed', () => {
    expect(recordsOf(parseFrame(golden.frame).lines)).toEqual(golden.records);
  });
});

const withJson = goldenCaptures.filter((each) => each.prefix === 'session');
it.each(withJson)('$name is read from syslog as the server wrote it to jsonlog', ({ name }) => {
  const { frame, json } = readGolden(name);
  expectSameAsJson(frame, json ?? new Uint8Array());
});

describe('the golden captures', () => {
  const cases = goldenCaptures.map(({ name }) => {
    const golden = readGolden(name);
    return { lines: parseFrame(golden.frame).lines, records: golden.records };
  });
  const sorted = (all: readonly unknown[]) => all.map((each) => JSON.stringify(each)).sort();

  it('give the same records however they are cut into frames', () => {
    fc.assert(
      fc.property(fc.constantFrom(...cases), fc.array(fc.nat({ max: 40 })), (each, cuts) => {
        const lines: SyslogLine[] = [];
        let at = 0;
        for (const cut of [...cuts, each.lines.length]) {
          lines.push(...parseFrame(encodeFrame(each.lines.slice(at, at + cut))).lines);
          at = Math.min(at + cut, each.lines.length);
        }
        expect(recordsOf(lines)).toEqual(each.records);
      }),
      { numRuns: 15 },
    );
  });

  it('give the same records in any order, and with any lines twice', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...cases).chain((each) =>
          fc.record({
            expected: fc.constant(each.records),
            order: fc.shuffledSubarray([...each.lines], { minLength: each.lines.length }),
            twice: fc.subarray([...each.lines]),
          }),
        ),
        ({ expected, order, twice }) => {
          expect(sorted(recordsOf([...order, ...twice]))).toEqual(sorted(expected));
        },
      ),
      { numRuns: 15 },
    );
  });

  it('name each record once where the prefix has session and number', () => {
    for (const each of cases) {
      const names = each.records.map(recordIdentity).filter((name) => name !== undefined);
      expect(new Set(names).size).toBe(names.length);
      expect([0, each.records.length]).toContain(names.length);
    }
  });
});
