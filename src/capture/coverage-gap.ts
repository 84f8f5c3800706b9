/** `gap`: changes are or may be lost, or can't be told exactly. `note`: a limit worth knowing. */
export type GapLevel = 'gap' | 'note';

/** Something that is not captured, or not just as it happens, and what to do about it. */
export interface Gap {
  /** Stays the same across releases: `<what it is about>.<what is the matter>`. */
  readonly id: string;
  readonly level: GapLevel;
  /** The table that it is about, as people write it; absent where it is about the database. */
  readonly table?: string;
  /** A sentence or two. Names in it are as in the catalogue: printed, they have to be made harmless. */
  readonly what: string;
  readonly todo: string;
}

/** What loses changes, or may. */
export function gap(id: string, table: string | undefined, what: string, todo: string): Gap {
  return { id, level: 'gap', ...(table === undefined ? {} : { table }), what, todo };
}

/** A limit that loses nothing. */
export function note(id: string, table: string | undefined, what: string, todo: string): Gap {
  return { id, level: 'note', ...(table === undefined ? {} : { table }), what, todo };
}

/** What most gaps ask for. */
export const runInstall = 'Run `pgwitness install`.';

/** `a, b and 3 more`: no list grows longer than a reader's patience. */
export function listed(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most);
  const more = names.length - shown.length;
  if (more > 0) return `${shown.join(', ')} and ${more} more`;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}
