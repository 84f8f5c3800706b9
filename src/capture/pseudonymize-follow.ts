/** A row of history as far as following a subject goes. Keys are as pseudonymize-sql.ts writes them. */
export interface SubjectRow {
  readonly id: number;
  /** Where it stands among the others, rows of one place by their ids. */
  readonly place: number;
  readonly operation: string;
  /** The same for all rows of one statement. */
  readonly statement: string;
  /** When, in microseconds since 1970; undefined for what is no moment. */
  readonly moment: number | undefined;
  /** Of its image; null where it has none or it can't be told. */
  readonly key: string | null;
  /** Of the image before, where that is kept. */
  readonly keyBefore: string | null;
  /** The columns of history that hold its images: `image_1,before_1`. */
  readonly parts: string;
}

/** All that history holds of one subject. */
export interface Followed {
  /** By id, the columns that hold its images. */
  readonly rows: ReadonlyMap<number, string>;
  /** Keys that the subject had, the asked one included. */
  readonly keys: number;
  /** How many rows of the table had the asked key, one after the other. */
  readonly lives: number;
  /** By history, a row of the subject is still in the table. */
  readonly alive: boolean;
}

/** Rows of one key between two changes of the key; both ends are of the segment, absent ones are open. */
interface Segment {
  readonly key: string;
  readonly after?: SubjectRow;
  readonly until?: SubjectRow;
}

/** A baseline's image may be as old as the statement that took it, which may last. */
const baselineLagUs = 3_600_000_000;

/**
 * Finds a subject's rows: all under `start`, and where a row came to that key from another or left it for
 * another, that row's under the other key, from there back to its beginning or on to its end, and so forth.
 * What others had under that other key before or after is not taken: where every key was counted up by one,
 * following keys alone would take everybody's.
 *
 * `fetch` gives all rows under any of some keys, in their order; it is asked once for each step away.
 */
export async function followSubject(
  start: string,
  fetch: (keys: readonly string[]) => Promise<SubjectRow[]>,
): Promise<Followed> {
  const known = new Map<string, SubjectRow[]>();
  const taken = new Map<number, SubjectRow>();
  const done = new Set<string>();
  let open: Segment[] = [{ key: start }];
  while (open.length > 0) {
    const missing = [...new Set(open.map(({ key }) => key))].filter((key) => !known.has(key));
    if (missing.length > 0) {
      for (const key of missing) known.set(key, []);
      for (const row of await fetch(missing)) {
        for (const key of new Set([row.key, row.keyBefore])) {
          if (key !== null && missing.includes(key)) known.get(key)?.push(row);
        }
      }
    }
    const next: Segment[] = [];
    for (const segment of open) {
      const name = JSON.stringify([segment.key, segment.after?.id, segment.until?.id]);
      if (done.has(name)) continue;
      done.add(name);
      next.push(...takeSegment(segment, known.get(segment.key) ?? [], taken));
    }
    open = next;
  }
  const own = known.get(start) ?? [];
  const newest = [...taken.values()]
    .filter(({ operation }) => operation !== 'BASELINE')
    .reduce<SubjectRow | undefined>(
      (a, b) => (a === undefined || isBefore(a, b) ? b : a),
      undefined,
    );
  return {
    rows: new Map([...taken].map(([id, { parts }]) => [id, parts])),
    keys: known.size,
    lives: livesOf(start, own),
    alive: taken.size > 0 && newest?.operation !== 'DELETE',
  };
}

/** Takes the rows of a segment, and returns the segments that it leads to. */
function takeSegment(
  { key, after, until }: Segment,
  rows: readonly SubjectRow[],
  taken: Map<number, SubjectRow>,
): Segment[] {
  const changes = changesOf(key, rows);
  const baselines = rows.filter(({ operation }) => operation === 'BASELINE');
  let within: readonly SubjectRow[] = changes;
  let first = after;
  let last = until;
  if (after !== undefined) ({ within, boundary: last } = onwards(key, after, changes));
  else if (until !== undefined) ({ within, boundary: first } = backwards(key, until, changes));
  for (const row of within) taken.set(row.id, row);
  for (const row of baselines) if (isBetween(row, first, last)) taken.set(row.id, row);
  return within.flatMap((row): Segment[] => {
    if (enters(row, key) && row.keyBefore !== null) {
      return after === undefined ? [{ key: row.keyBefore, until: row }] : [];
    }
    return leaves(row, key) && until === undefined && row.key !== null
      ? [{ key: row.key, after: row }]
      : [];
  });
}

/** In their order; of one statement first what ends a life under `key`, and last what begins one. */
function changesOf(key: string, rows: readonly SubjectRow[]): SubjectRow[] {
  const statements = new Map<string, SubjectRow[]>();
  for (const row of rows) {
    if (row.operation === 'BASELINE') continue;
    const of = statements.get(row.statement);
    if (of === undefined) statements.set(row.statement, [row]);
    else of.push(row);
  }
  const rank = (row: SubjectRow) => (ends(row, key) ? 0 : begins(row, key) ? 2 : 1);
  return [...statements.values()].flatMap((of) => of.sort((a, b) => rank(a) - rank(b)));
}

/** Rows of one life, and the row that it ends (or began) with, or that shows that it had. */
interface Life {
  readonly within: readonly SubjectRow[];
  readonly boundary: SubjectRow | undefined;
}

/** The life that came to `key` with the row `from`, to its end. */
function onwards(key: string, from: SubjectRow, changes: readonly SubjectRow[]): Life {
  const within: SubjectRow[] = [];
  for (const row of changes) {
    if (!isBefore(from, row) || row.statement === from.statement) continue;
    // Another's: ours had ended where nobody saw it, or by a TRUNCATE.
    if (begins(row, key)) return { within, boundary: row };
    within.push(row);
    if (ends(row, key)) return { within, boundary: row };
  }
  return { within, boundary: undefined };
}

/** The life that left `key` with the row `to`, from that back to its beginning. */
function backwards(key: string, to: SubjectRow, changes: readonly SubjectRow[]): Life {
  const within: SubjectRow[] = [];
  for (const row of [...changes].reverse()) {
    if (!isBefore(row, to) || row.statement === to.statement) continue;
    if (ends(row, key)) return { within, boundary: row };
    within.push(row);
    if (begins(row, key)) return { within, boundary: row };
  }
  return { within, boundary: undefined };
}

function isBefore(a: SubjectRow, b: SubjectRow): boolean {
  return a.place < b.place || (a.place === b.place && a.id < b.id);
}

/** The row came to `key` from another one. */
function enters({ key, keyBefore }: SubjectRow, under: string): boolean {
  return key === under && keyBefore !== null && keyBefore !== under;
}

/** The row left `key` for another one. */
function leaves({ key, keyBefore }: SubjectRow, under: string): boolean {
  return keyBefore === under && key !== under;
}

function begins(row: SubjectRow, key: string): boolean {
  return row.operation === 'INSERT' || enters(row, key);
}

function ends(row: SubjectRow, key: string): boolean {
  return row.operation === 'DELETE' || leaves(row, key);
}

/** Of a baseline, whose id does not tell when it was taken. */
function isBetween(
  { moment }: SubjectRow,
  first: SubjectRow | undefined,
  last: SubjectRow | undefined,
): boolean {
  if (moment === undefined) return true;
  const from = first?.moment ?? Number.NEGATIVE_INFINITY;
  const to = (last?.moment ?? Number.POSITIVE_INFINITY) + baselineLagUs;
  return from <= moment && moment <= to;
}

/** How many rows held `key` in turn. */
function livesOf(key: string, rows: readonly SubjectRow[]): number {
  let lives = 0;
  let alive = false;
  for (const row of changesOf(key, rows)) {
    // What is first seen when it is changed or ends began before it was captured.
    if (begins(row, key) || !alive) lives += 1;
    alive = !ends(row, key);
  }
  return rows.length > 0 ? Math.max(1, lives) : 0;
}
