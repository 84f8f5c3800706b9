/** A place in the file, both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Gives the place of an offset (from 0) in `text`, in the logarithm of its lines. */
export function placesIn(text: string): (offset: number) => Place {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    // The last line that starts at or before the offset lies in [low, high).
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}
