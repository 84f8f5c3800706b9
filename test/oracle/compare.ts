import { type Image, sameImage } from './image.ts';
import type { Duty } from './legitimate-gaps.ts';
import type { ToldChange } from './read-history.ts';

/** A change as it was decoded from the WAL, with what history owes about it. */
export interface ExpectedChange {
  readonly xid: string;
  readonly statement: number;
  readonly relation: string;
  /** It is a partition. */
  readonly part: boolean;
  readonly operation: ToldChange['operation'];
  readonly before: Image | null;
  readonly after: Image | null;
  /** Columns of the primary key at the time. */
  readonly key: readonly string[];
  readonly duty: Duty;
  /** Its statement was given wrong rows by Postgres itself: nothing of its transaction is compared. */
  readonly excused: boolean;
  /** Its place among the row's changes is owed. */
  readonly ordered: boolean;
  /** A trigger of the application's may write amid the statement. */
  readonly nested: boolean;
  readonly sessionRole: string;
  readonly activeRole: string;
  readonly applicationName: string;
}

/** One way in which history differs from what was committed. */
export interface Difference {
  readonly kind: 'missing' | 'unexpected' | 'before' | 'order' | 'fact';
  readonly expected?: ExpectedChange;
  readonly told?: ToldChange;
  readonly why: string;
}

interface Pair {
  readonly expected: ExpectedChange;
  readonly told: ToldChange;
}

/** Holds a table's history against all that was committed on it, in the order of commits. */
export function compareChanges(
  committed: readonly ExpectedChange[],
  history: readonly ToldChange[],
): Difference[] {
  const excused = new Set(committed.filter((change) => change.excused).map(({ xid }) => xid));
  const expected = committed.filter(({ xid }) => !excused.has(xid));
  const told = history.filter(({ xid }) => !excused.has(xid));
  const pairs: Pair[] = [];
  const left = new Set(told);
  const open = new Set(expected);
  const take = (change: ExpectedChange, found: ToldChange) => {
    pairs.push({ expected: change, told: found });
    open.delete(change);
  };
  const among = (change: ExpectedChange, fits: (candidate: ToldChange) => boolean) =>
    [...left].find((candidate) => candidate.xid === change.xid && fits(candidate));
  const passes = [
    // First what is equal through and through, so that a doubtful pairing never takes another's row.
    (change: ExpectedChange) => (candidate: ToldChange) =>
      sameChange(change, candidate) && sameImage(change.before, candidate.before),
    (change: ExpectedChange) => (candidate: ToldChange) => sameChange(change, candidate),
  ];
  for (const fits of passes) {
    for (const change of open) {
      const found = among(change, fits(change));
      if (found === undefined) continue;
      left.delete(found);
      take(change, found);
    }
  }
  // An UPDATE that moves a row to another partition is a DELETE and an INSERT in the WAL. History tells it
  // as the statement was: one UPDATE.
  for (const gone of open) {
    if (gone.operation !== 'DELETE') continue;
    const come = [...open].find(
      (change) =>
        change.operation === 'INSERT' &&
        change.xid === gone.xid &&
        change.statement === gone.statement &&
        change.relation !== gone.relation &&
        among(change, (candidate) => isMove(gone, change, candidate)) !== undefined,
    );
    if (come === undefined) continue;
    const found = among(come, (candidate) => isMove(gone, come, candidate));
    if (found === undefined) continue;
    left.delete(found);
    take(gone, found);
    take(come, found);
  }
  return [
    ...[...open].filter(({ duty }) => duty === 'must').map(missing),
    ...[...left].map(unexpected),
    ...pairs
      .filter((pair) => pair.expected.duty === 'must not')
      .map(({ told }) => unexpected(told)),
    ...beforeDifferences(pairs),
    ...factDifferences(pairs),
    ...orderDifferences(expected, pairs),
  ];
}

function sameChange(change: ExpectedChange, candidate: ToldChange): boolean {
  return (
    change.operation === candidate.operation &&
    sameImage(change.after, candidate.after) &&
    (change.operation !== 'DELETE' || sameShared(change.before, candidate.before)) &&
    (change.operation !== 'TRUNCATE' || isNamed(change, candidate.partition))
  );
}

/** Whether a partition's name, as format('%I.%I') makes it, is that of the changed relation. */
function isNamed({ part, relation }: ExpectedChange, partition: string | null): boolean {
  if (partition === null || !part) return partition === null && !part;
  return (
    partition.endsWith(`.${relation}`) || partition.endsWith(`."${relation.replaceAll('"', '""')}"`)
  );
}

function isMove(gone: ExpectedChange, come: ExpectedChange, candidate: ToldChange): boolean {
  return (
    candidate.operation === 'UPDATE' &&
    sameImage(come.after, candidate.after) &&
    sameShared(gone.before, candidate.before)
  );
}

/** Whether two images agree on the columns that both have. */
function sameShared(a: Image | null, b: Image | null): boolean {
  if (a === null || b === null) return a === b;
  return Object.keys(a).every((column) => !(column in b) || a[column] === b[column]);
}

function missing(expected: ExpectedChange): Difference {
  return { kind: 'missing', expected, why: 'it was committed, and history does not tell it' };
}

function unexpected(told: ToldChange): Difference {
  return { kind: 'unexpected', told, why: 'history tells it, and nothing like it was committed' };
}

function beforeDifferences(pairs: readonly Pair[]): Difference[] {
  return pairs.flatMap(({ expected, told }) => {
    if (expected.operation !== told.operation) return [];
    if (sameImage(expected.before, told.before)) return [];
    return [{ kind: 'before' as const, expected, told, why: '`before` is not the row as it was' }];
  });
}

/** Who it was, which key, and which columns: told beside the images. */
function factDifferences(pairs: readonly Pair[]): Difference[] {
  const differences: Difference[] = [];
  for (const { expected, told } of pairs) {
    const say = (why: string) => differences.push({ kind: 'fact', expected, told, why });
    if (told.sessionRole !== expected.sessionRole) say('the session’s role is another');
    if (told.activeRole !== expected.activeRole) say('the active role is another');
    if ((told.applicationName ?? '') !== expected.applicationName) {
      say('the application’s name is another');
    }
    const image = told.after ?? told.before;
    if (expected.operation === 'TRUNCATE' || image === null) continue;
    const key = Object.fromEntries(expected.key.map((column) => [column, image[column] ?? '']));
    if (!sameImage(told.rowKey, expected.key.length === 0 ? null : key))
      say('the row’s key is another');
    if (told.operation === 'UPDATE' && told.before !== null) {
      const columns = new Set([...Object.keys(told.before), ...Object.keys(image)]);
      const changed = [...columns].filter((column) => told.before?.[column] !== image[column]);
      if (changed.sort().join('\n') !== [...(told.changed ?? [])].sort().join('\n')) {
        say('`changed` does not name the columns in which before and after differ');
      }
    }
  }
  return differences;
}

/** The changes that a key's row went through, first to last, must stand in history in that order. */
function orderDifferences(
  expected: readonly ExpectedChange[],
  pairs: readonly Pair[],
): Difference[] {
  const told = new Map(pairs.map((pair) => [pair.expected, pair.told]));
  const last = new Map<string, ToldChange>();
  const differences: Difference[] = [];
  for (const change of expected) {
    const found = told.get(change);
    if (found === undefined || change.key.length === 0 || !change.ordered) continue;
    // A nested write that changes no value: before or after it, the row is the same.
    if (change.nested && sameImage(change.before, change.after)) continue;
    const keys = [change.before, change.after].flatMap((image) =>
      image === null ? [] : [JSON.stringify(change.key.map((column) => image[column]))],
    );
    for (const key of new Set(keys)) {
      const before = last.get(key);
      if (before !== undefined && before.place > found.place) {
        const why = `it came after the change with id ${before.id} of the same row, and history tells it before`;
        differences.push({ kind: 'order', expected: change, told: found, why });
      }
      last.set(key, found);
    }
  }
  return differences;
}
