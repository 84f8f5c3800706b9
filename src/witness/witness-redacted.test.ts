import { beforeAll, describe, expect, it } from 'vitest';
import { recordsOf } from '../../test/rig/golden-truth.ts';
import { goldenWitnesses, readGoldenWitness } from '../../test/rig/golden-witness.ts';
import { parseFrame } from '../logplex/frame.ts';
import { applyEdits } from '../redact/edit.ts';
import { loadSqlScanner, type SqlScanner } from '../redact/redact-sql.ts';
import { createRedactor, type Redactor } from '../redact/redactor.ts';
import { isRaisedBy } from './raised-by.ts';
import { verifyCode } from './witness-key.ts';
import { parseWitness } from './witness-line.ts';

let redactor: Redactor;
let scanner: SqlScanner;
beforeAll(async () => {
  redactor = await createRedactor('a redaction key of 32 characters');
  scanner = await loadSqlScanner();
});

describe.each(goldenWitnesses)('%s, stored under redaction', (name) => {
  const { frame, key, due } = readGoldenWitness(name);

  it('has each line that was due, as true as before, and beside it the statement without its values', async () => {
    const { lines, faults } = parseFrame(await redactor.redact(frame));
    expect(faults).toEqual([]);
    const records = recordsOf(lines).filter(({ kind }) => kind === 'witness');
    const found = records.map((record) => {
      const witness = parseWitness(record);
      if (witness === undefined) throw new Error(record.message);
      expect([verifyCode(witness, key), isRaisedBy(record, witness)]).toEqual([true, true]);
      const tells = `${witness.command} ${witness.table.name} ${witness.rows ?? 0}`;
      if (record.statement === undefined) return { tells };
      // The lines that a value took stay, empty: a message keeps its chunks.
      return { tells, statement: record.statement.replace(/\n{2,}/g, '\n').trimEnd() };
    });
    const redacted = due.map(({ tells, statement }) => {
      if (statement === undefined) return { tells };
      const edits = scanner.edits(statement, redactor.token, { whole: true });
      if (!edits.ok) throw new Error(`not placed: ${statement}`);
      return { tells, statement: applyEdits(statement, edits.edits).trimEnd() };
    });
    expect(found).toEqual(redacted);
    expect(redacted).not.toEqual(due);
  });
});
