import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasS3, startS3World } from '../rig/s3-world.ts';
import { noSmallDisk } from '../rig/small-disk.ts';
import { type FaultCell, runCell } from './fault-cell.ts';
import { type FaultRow, folderRows, fullDiskRow, receiverRows, s3Rows } from './fault-rows.ts';

/** Cells are mostly waiting: so many at a time. */
const atOnce = 16;

const rows: FaultRow[] = [
  ...receiverRows,
  ...folderRows,
  ...(noSmallDisk === '' ? [fullDiskRow] : []),
  ...(hasS3 ? s3Rows(startS3World) : []),
];

/** The table as docs/faults.md has it: what is promised. */
const written: FaultCell[] = readFileSync(new URL('../../docs/faults.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((row) => row.startsWith('| '))
  .map((row) => row.split('|').map((cell) => cell.trim()))
  .map(([, step = '', fault = '', client = '', archive = '']) => ({ step, fault, client, archive }))
  .filter(({ client }) => /^(200|503|no answer)$/.test(client));

const promised = ({ step, fault }: FaultRow): FaultCell =>
  written.find((cell) => cell.step === step && cell.fault === fault) ?? {
    step,
    fault,
    client: '',
    archive: 'the frame',
  };

const found = new Map<FaultRow, Awaited<ReturnType<typeof runCell>> | Error>();

beforeAll(async () => {
  const left = [...rows];
  const work = async () => {
    for (let row = left.shift(); row !== undefined; row = left.shift()) {
      found.set(row, await runCell(promised(row), row.open).catch((error: Error) => error));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}, 120_000);

afterAll(() => {
  const seen = rows.map((row) => found.get(row)).filter((one) => one && 'seen' in one);
  const lines = seen.map((one) => (one && 'seen' in one ? rowOf(one.seen) : ''));
  console.log(`${rowOf(head)}\n${lines.join('\n')}`);
});

const head = { step: 'step', fault: 'fault', client: 'client sees', archive: 'archive holds' };

function rowOf({ step, fault, client, archive }: FaultCell): string {
  return `| ${step} | ${fault} | ${client} | ${archive} |`;
}

describe('while a step goes wrong, the client is told what is so; when it is well again, each line is told once', () => {
  test.each(rows.map((row) => [`${row.step}: ${row.fault}`, row] as const))('%s', (_, row) => {
    const one = found.get(row);
    if (one === undefined || one instanceof Error) throw one ?? new Error('it was not run');
    expect(one.wrong).toEqual([]);
    expect(rowOf(one.seen)).toBe(rowOf(promised(row)));
  });
});

test('docs/faults.md promises nothing that is not tried out here', () => {
  const all = [...receiverRows, ...folderRows, fullDiskRow, ...s3Rows(startS3World)];
  const names = (cells: readonly { step: string; fault: string }[]) =>
    cells.map(({ step, fault }) => `${step}: ${fault}`).sort();
  expect(names(written)).toEqual(names(all));
});
