import type { ClientBase } from 'pg';
import { readLooks } from './baseline.ts';
import { neededOf, openBaselines, sinceOf, type TableLook } from './baseline-look.ts';
import type { BaselinePatience } from './baseline-patience.ts';
import type { BaselineReason } from './catalogue.ts';
import type { CaptureTarget } from './target.ts';

/** What is to be said of one table's trail. */
export interface BaselineStatus {
  readonly schema: string;
  readonly name: string;
  /** For people. */
  readonly table: string;
  /**
   * `holds`: before and after of each change are told. `unfinished`: a baseline was begun and is not
   * complete; both images of each UPDATE are kept meanwhile. `needed`: rows may differ from what history
   * has of them. `off`: `install` has to come first.
   */
  readonly state: 'holds' | 'unfinished' | 'needed' | 'off';
  /** What taking a baseline would do: begin one, go on with one that was begun, or nothing. */
  readonly due: 'begin' | 'resume' | 'nothing';
  /** Why it does not simply hold, or what is good to know; sentences without their full stops. */
  readonly notes: readonly string[];
  /** From when on the trail holds; of one that holds no longer, from when on it did. */
  readonly since: Date | null;
  /** What a baseline would still read: an estimate of rows (null where never analyzed), and bytes. */
  readonly toRead: { readonly rows: number | null; readonly bytes: number };
  /** Of the table's pages, how many of a hundred have been read; of an unfinished one. */
  readonly percent?: number;
}

/** Of each captured table whether its trail holds and since when. Writes nothing. Throws as takeBaseline does. */
export async function readBaselines(
  owner: ClientBase,
  target: CaptureTarget,
  patience: BaselinePatience = {},
): Promise<BaselineStatus[]> {
  return (await readLooks(owner, target, patience)).map(statusOf);
}

const reasons: Readonly<Record<BaselineReason, string>> = {
  installed: 'no baseline was taken yet',
  interrupted: 'capture was off for a while',
  partition: 'partitions came since',
  restored:
    'it is not the table that the baseline was taken of (restored, copied, or dropped and made anew)',
  rewritten:
    'it was written anew since, by VACUUM FULL, CLUSTER, TRUNCATE or an ALTER TABLE, which may change rows',
  changed:
    'its columns have changed since, so both images of each UPDATE are kept until a new one is taken',
  asked: 'it was asked for',
};

function statusOf(look: TableLook): BaselineStatus {
  const { since, later } = sinceOf(look);
  const told = { schema: look.table.schema, name: look.table.name, table: look.shown };
  if (look.off !== undefined) {
    const toRead = sizeOf(look.leaves);
    return { ...told, state: 'off', due: 'nothing', notes: [look.off], since, toRead };
  }
  const notes: string[] =
    look.behind === undefined ? [] : [`run \`pgwitness install\`: ${look.behind}`];
  const needed = neededOf(look);
  for (const [because, leaves] of needed) {
    // It has a form to be taken in only once install has run.
    if (because === 'changed' && look.behind !== undefined) continue;
    const which =
      leaves.length === look.leaves.length ? '' : ` (${leaves.length} of its partitions)`;
    notes.push(`${reasons[because]}${which}`);
  }
  const parts = later.map(
    ({ partition, since: from }) => `${partition} since ${from.toISOString()}`,
  );
  if (parts.length > 0) notes.push(`partitions that came later: ${parts.join(', ')}`);
  if (look.shape.keyColumns.length === 0) {
    notes.push('it has no key: both images of each UPDATE are kept, and none is taken beforehand');
  }
  const open = openBaselines(look);
  // A new form of the images is no gap: each UPDATE has both.
  const breaks = [...needed].some(
    ([because, leaves]) =>
      because !== 'changed' &&
      !(because === 'partition' && leaves.every(({ oid }) => look.bornEmpty.has(oid))),
  );
  const unread = look.leaves.filter(
    (leaf) =>
      [...needed.values()].flat().includes(leaf) ||
      open.some(({ places }) => places[leaf.oid] !== undefined),
  );
  const state = breaks ? 'needed' : open.length > 0 ? 'unfinished' : 'holds';
  return {
    ...told,
    state,
    due: needed.size > 0 ? 'begin' : open.length > 0 ? 'resume' : 'nothing',
    notes,
    since,
    toRead: sizeOf(unread),
    ...(state === 'unfinished' && { percent: percentOf(look, open) }),
  };
}

function sizeOf(leaves: TableLook['leaves']): BaselineStatus['toRead'] {
  const rows = leaves.reduce((sum, leaf) => sum + Math.max(0, leaf.rows), 0);
  const known = leaves.every((leaf) => leaf.rows >= 0);
  return { rows: known ? rows : null, bytes: leaves.reduce((sum, { bytes }) => sum + bytes, 0) };
}

function percentOf({ leaves }: TableLook, open: ReturnType<typeof openBaselines>): number {
  let pages = 0;
  let done = 0;
  for (const record of open) {
    for (const leaf of leaves.filter(({ oid }) => record.places[oid] !== undefined)) {
      pages += leaf.pages;
      done += Math.min(leaf.pages, record.pages_done[leaf.oid] ?? 0);
    }
  }
  return pages === 0 ? 0 : Math.floor((100 * done) / pages);
}
