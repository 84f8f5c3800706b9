/** Fits a small integer until the year 6000: the map then holds no number objects. */
const minute = 60_000;

/**
 * Names seen lately, to tell what comes twice. A name is forgotten once the clock it is given (the
 * time in the key of the object at hand) has moved `spanMs` on: memory follows the span, not the scan.
 */
export class SeenLately {
  readonly #span: number;
  /** In the order of `nowMs`, which never goes back: the oldest stands first. */
  readonly #names = new Map<string, number>();
  #now = 0;

  constructor(spanMs: number) {
    this.#span = Math.ceil(spanMs / minute);
  }

  /** Remembers `name`; false if it was there already. */
  add(name: string, nowMs: number): boolean {
    if (this.#names.has(name)) return false;
    this.#now = Math.max(this.#now, Math.floor(nowMs / minute));
    for (const [old, at] of this.#names) {
      if (at >= this.#now - this.#span) break;
      this.#names.delete(old);
    }
    this.#names.set(name, this.#now);
    return true;
  }

  get size(): number {
    return this.#names.size;
  }
}
