/** Where the choices of a statement come from: fast-check's numbers first, then a generator of its own. */
export interface Entropy {
  /** Taken in order; 0 is each choice's simplest outcome, so that smaller numbers make simpler SQL. */
  readonly picks: readonly number[];
  /** Seed of what follows when `picks` are used up; 0 for simplest choices from there on. */
  readonly salt: number;
}

/** A stream of choices; the same entropy always gives the same ones. */
export class Picks {
  private at = 0;
  private state: number;
  private readonly entropy: Entropy;

  constructor(entropy: Entropy) {
    this.entropy = entropy;
    this.state = entropy.salt | 0;
  }

  /** A number from 0 to `below` - 1. */
  below(below: number): number {
    return below <= 1 ? 0 : this.next() % below;
  }

  /** One of `among`, the first where nothing is left to choose with. */
  of<T>(among: readonly T[]): T {
    const picked = among[this.below(among.length)];
    if (picked === undefined) throw new Error('there is nothing to choose from');
    return picked;
  }

  /** True in so many of 100 cases, and false at the simplest. */
  chance(percent: number): boolean {
    return this.below(100) >= 100 - percent;
  }

  /** Some of `among`, at least `least`, in their order. */
  some<T>(among: readonly T[], least = 0): T[] {
    const kept = among.filter(() => this.chance(50));
    return kept.length >= least ? kept : among.slice(0, least);
  }

  /** Mulberry32, by Tommy Ettinger (public domain): 32 bits of state are plenty for one statement. */
  private next(): number {
    const given = this.entropy.picks[this.at];
    this.at += 1;
    if (given !== undefined) return given;
    if (this.entropy.salt === 0) return 0;
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
}
