import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordsOf } from '../../test/rig/golden-truth.ts';
import { goldenWitnesses, readGoldenWitness } from '../../test/rig/golden-witness.ts';
import { parseAuditFields } from '../logplex/audit-fields.ts';
import { parseFrame } from '../logplex/frame.ts';
import type { LogRecord } from '../logplex/record.ts';
import { isRaisedBy } from './raised-by.ts';
import { verifyCode } from './witness-key.ts';
import { parseWitness } from './witness-line.ts';

describe.each(goldenWitnesses)('%s, captured from a real server', (name) => {
  const { frame, key, due } = readGoldenWitness(name);
  const { lines, faults } = parseFrame(frame);
  const witnessesOf = (records: readonly LogRecord[]) =>
    records.filter(({ kind }) => kind === 'witness');
  const records = witnessesOf(recordsOf(lines));

  it('gives each line that was due, true, with the statement it carries', () => {
    expect(faults).toEqual([]);
    const found = records.map((record) => {
      const witness = parseWitness(record);
      if (witness === undefined) throw new Error(record.message);
      expect([verifyCode(witness, key), isRaisedBy(record, witness)]).toEqual([true, true]);
      const tells = `${witness.command} ${witness.table.name} ${witness.rows ?? 0}`;
      return { tells, ...(record.statement === undefined ? {} : { statement: record.statement }) };
    });
    expect(found).toEqual(due);
  });

  it('has no line of which a character could be another', () => {
    const messages = records.map(({ message }) => message);
    const change = fc.record({
      message: fc.constantFrom(...messages),
      at: fc.double({ min: 0, max: 0.999, noNaN: true }),
      by: fc.constantFrom('', '0', '1', 'a', 'f', ' ', ',', '"', '\n', 'é', '\0', '=', '-'),
      over: fc.nat(2),
    });
    fc.assert(
      fc.property(change, ({ message, at, by, over }) => {
        const place = Math.floor(at * message.length);
        const changed = message.slice(0, place) + by + message.slice(place + over);
        const audit = parseAuditFields(changed.replace(/^AUDIT: /, ''));
        const witness = parseWitness({
          message: changed,
          ...(audit === undefined ? {} : { audit }),
        });
        const taken = witness !== undefined && verifyCode(witness, key);
        expect(taken).toBe(changed === message);
      }),
      { numRuns: 2_000 },
    );
  });

  it('has no line that another database’s key verifies', () => {
    const other = readGoldenWitness(
      goldenWitnesses.find((each) => each.slice(0, 11) !== name.slice(0, 11)) ?? '',
    ).key;
    for (const record of records) {
      const witness = parseWitness(record);
      expect(witness !== undefined && verifyCode(witness, other)).toBe(false);
    }
  });

  it('gives the same lines in whatever order and how often its chunks come', () => {
    const sorted = (all: readonly LogRecord[]) =>
      all.map(({ message, statement }) => JSON.stringify([message, statement])).sort();
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...lines], { minLength: lines.length }),
        fc.subarray([...lines]),
        (order, twice) => {
          expect(sorted(witnessesOf(recordsOf([...order, ...twice])))).toEqual(sorted(records));
        },
      ),
      { numRuns: 5 },
    );
  });
});
