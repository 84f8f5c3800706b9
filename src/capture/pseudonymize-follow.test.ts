import fc from 'fast-check';
import { expect, test } from 'vitest';
import { followSubject, type SubjectRow } from './pseudonymize-follow.ts';

/** `INSERT 1`, `UPDATE 1>2`, `DELETE 2`, `BASELINE 1`, one a statement; `+` goes on with the one before. */
function history(...written: string[]): SubjectRow[] {
  let statement = 0;
  return written.map((text, index) => {
    const [, goesOn, operation = '', before = '', after] =
      /^(\+?)([A-Z]+) (\w+)(?:>(\w+))?$/.exec(text) ?? [];
    if (goesOn === '') statement += 1;
    return {
      id: index + 1,
      place: index + 1,
      operation,
      statement: String(statement),
      moment: statement * hour,
      key: after ?? before,
      keyBefore: operation === 'UPDATE' ? before : null,
      parts: 'image_1',
    };
  });
}

const hour = 3_600_000_000;

async function followed(key: string, rows: readonly SubjectRow[]) {
  let asked = 0;
  const found = await followSubject(key, async (keys) => {
    asked += 1;
    return rows.filter((row) => [row.key, row.keyBefore].some((of) => of && keys.includes(of)));
  });
  return { ...found, ids: [...found.rows.keys()].sort((a, b) => a - b), asked };
}

test('takes all rows of the key, and of a key that never changed nothing else is asked', async () => {
  const rows = history('INSERT 1', 'INSERT 2', 'UPDATE 1>1', 'UPDATE 2>2', 'DELETE 1');
  expect(await followed('1', rows)).toMatchObject({
    ids: [1, 3, 5],
    asked: 1,
    keys: 1,
    lives: 1,
    alive: false,
  });
  expect(await followed('2', rows)).toMatchObject({ ids: [2, 4], alive: true });
  expect(await followed('3', rows)).toMatchObject({ ids: [], lives: 0, alive: false });
});

test('follows a key that changed, on and back, from whichever of them', async () => {
  const rows = history('INSERT 1', 'UPDATE 1>2', 'UPDATE 2>2', 'UPDATE 2>3', 'DELETE 3');
  for (const key of ['1', '2', '3']) {
    expect(await followed(key, rows)).toMatchObject({ ids: [1, 2, 3, 4, 5], keys: 3 });
  }
});

test('leaves what others had under a key that the subject took or left', async () => {
  const rows = history(
    'INSERT 2', // another's
    'UPDATE 2>2',
    'DELETE 2',
    'INSERT 1',
    'UPDATE 1>2',
    'UPDATE 2>2',
    'DELETE 2',
    'INSERT 2', // a third one's
    'UPDATE 2>9',
    'UPDATE 9>9',
  );
  expect((await followed('1', rows)).ids).toEqual([4, 5, 6, 7]);
  // Asked for the key that three had in turn, it takes all three, and says so.
  expect(await followed('2', rows)).toMatchObject({
    ids: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    lives: 3,
  });
});

test('is not led astray where one statement moves every row to the key of the next', async () => {
  const rows = history(
    'INSERT 1',
    '+INSERT 2',
    '+INSERT 3',
    'UPDATE 1>2',
    '+UPDATE 2>3',
    '+UPDATE 3>4',
    'UPDATE 4>4',
    'UPDATE 2>1',
    '+UPDATE 3>2',
    '+UPDATE 4>3',
  );
  // The row that was 4 for a while and nobody else had that key.
  expect((await followed('4', rows)).ids).toEqual([3, 6, 7, 10]);
});

test('two rows that exchange their keys stay two', async () => {
  const rows = history(
    'INSERT a',
    'INSERT b',
    'UPDATE a>b',
    '+UPDATE b>a',
    'UPDATE a>c',
    'DELETE b',
  );
  expect((await followed('c', rows)).ids).toEqual([2, 4, 5]);
});

test('goes round where a subject takes a key again that it had', async () => {
  const rows = history('INSERT 1', 'UPDATE 1>2', 'UPDATE 2>1', 'UPDATE 1>2', 'DELETE 2');
  expect((await followed('1', rows)).ids).toEqual([1, 2, 3, 4, 5]);
});

test('takes the baseline of the subject’s time under another key, whatever its id', async () => {
  const rows = history('UPDATE 1>2', 'UPDATE 2>2', 'UPDATE 2>3', 'INSERT 2', 'UPDATE 2>2');
  const baseline = (id: number, key: string, moment: number): SubjectRow => ({
    id,
    place: id,
    operation: 'BASELINE',
    statement: `b${id}`,
    moment: moment * hour,
    key,
    keyBefore: null,
    parts: 'image_1',
  });
  const all = [
    baseline(-3, '2', 0.5), // of who had the key before
    baseline(-2, '2', 2.5),
    baseline(-1, '3', 3.5),
    baseline(0, '2', 9), // of who had it after
    ...rows,
  ];
  expect((await followed('1', all)).ids).toEqual([-2, -1, 1, 2, 3]);
});

test('counts rows that had the key in turn also where they were there before capture', async () => {
  expect((await followed('1', history('DELETE 1', 'INSERT 1', 'UPDATE 1>1'))).lives).toBe(2);
  expect((await followed('1', history('UPDATE 1>1', 'UPDATE 1>1'))).lives).toBe(1);
  expect((await followed('1', history('BASELINE 1'))).lives).toBe(1);
  expect(
    (await followed('1', history('INSERT 1', 'INSERT 2', 'UPDATE 1>2', '+UPDATE 2>1'))).lives,
  ).toBe(2);
});

test('of random histories it takes just the rows that ever had the key, whole', async () => {
  const step = fc.record({
    what: fc.constantFrom('insert', 'update', 'delete', 'move', 'turn', 'truncate'),
    row: fc.nat(3),
    to: fc.nat(4),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.nat(4), async (steps, asked) => {
      const { rows, owners } = simulate(steps);
      const key = String(asked);
      const lives = new Set(rows.flatMap((row, index) => (touches(row, key) ? owners[index] : [])));
      const expected = rows.filter((_, index) => lives.has(owners[index])).map(({ id }) => id);
      expect((await followed(key, rows)).ids).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});

function touches(row: SubjectRow, key: string): boolean {
  return row.key === key || row.keyBefore === key;
}

/** Runs steps on a table of at most a few rows: its history, and whose each row of it is. */
function simulate(
  steps: readonly { readonly what: string; readonly row: number; readonly to: number }[],
): { readonly rows: SubjectRow[]; readonly owners: number[] } {
  const rows: SubjectRow[] = [];
  const owners: number[] = [];
  let table: { key: number; owner: number }[] = [];
  let born = 0;
  steps.forEach(({ what, row, to }, index) => {
    const tell = (operation: string, owner: number, key: number, before: number | null) => {
      owners.push(owner);
      rows.push({
        id: rows.length + 1,
        place: rows.length + 1,
        operation,
        statement: String(index),
        moment: index,
        key: String(key),
        keyBefore: before === null ? null : String(before),
        parts: 'image_1',
      });
    };
    const chosen = table[row % Math.max(1, table.length)];
    const free = !table.some(({ key }) => key === to);
    if (what === 'insert' && free) {
      born += 1;
      table.push({ key: to, owner: born });
      tell('INSERT', born, to, null);
    } else if (what === 'turn') {
      // One statement that gives each row the key of the next.
      const keys = table.map(({ key }) => key);
      table.forEach((held, place) => {
        const next = keys[(place + 1) % keys.length] ?? held.key;
        tell('UPDATE', held.owner, next, held.key);
        held.key = next;
      });
    } else if (what === 'truncate') {
      table = [];
    } else if (chosen === undefined) {
      return;
    } else if (what === 'update') {
      tell('UPDATE', chosen.owner, chosen.key, chosen.key);
    } else if (what === 'delete') {
      tell('DELETE', chosen.owner, chosen.key, null);
      table = table.filter((held) => held !== chosen);
    } else if (what === 'move' && free) {
      tell('UPDATE', chosen.owner, to, chosen.key);
      chosen.key = to;
    }
  });
  return { rows, owners };
}
