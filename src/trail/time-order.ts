/** Where a value stands in the trail. */
export interface Place {
  /** Epoch milliseconds. */
  readonly timeMs: number;
  /**
   * Heroku's lines tell time in whole seconds: within one, values go by this (a session), then by
   * `number` (the message in it), then as they came.
   */
  readonly group: string;
  readonly number: number;
}

interface Held<T> {
  readonly place: Place;
  readonly arrival: number;
  readonly size: number;
  readonly value: T;
}

/**
 * Puts values into time order without holding all of them: a heap that gives its earliest away when
 * it holds more than `budget` (in the unit of `size`), or when told that nothing earlier can come.
 */
export class TimeOrder<T> {
  readonly #budget: number;
  readonly #heap: Held<T>[] = [];
  #held = 0;
  #arrivals = 0;

  constructor(budget: number) {
    this.#budget = budget;
  }

  add(place: Place, size: number, value: T): void {
    const heap = this.#heap;
    const held = { place, size, value, arrival: this.#arrivals++ };
    this.#held += size;
    let at = heap.length;
    heap.push(held);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Held<T>;
      if (!before(held, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = held;
  }

  /** The earliest value, as long as the budget is exceeded or it lies before `timeMs`. */
  *take(timeMs: number): Generator<T> {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return;
      if (this.#held <= this.#budget && first.place.timeMs >= timeMs) return;
      this.#removeFirst(first);
      yield first.value;
    }
  }

  #removeFirst(first: Held<T>): void {
    const heap = this.#heap;
    this.#held -= first.size;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      if (left === undefined) break;
      const right = heap[2 * at + 2];
      const [child, below] =
        right !== undefined && before(right, left) ? [2 * at + 2, right] : [2 * at + 1, left];
      if (!before(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

function before<T>(a: Held<T>, b: Held<T>): boolean {
  const [left, right] = [a.place, b.place];
  if (left.timeMs !== right.timeMs) return left.timeMs < right.timeMs;
  if (left.group !== right.group) return left.group < right.group;
  return left.number - right.number < 0 || (left.number === right.number && a.arrival < b.arrival);
}
