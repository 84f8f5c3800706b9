/**
 * Made-up personal data, of every kind of text that has a trap, with letters in an order that nothing else
 * in a frame has: where a few bytes of one turn up, it has leaked.
 */
export const plantedValues: readonly string[] = [
  'wyqzjk@fjxvu.kwz',
  "O'Qwzkyx-Vjhqz",
  '4929871360528147',
  '-3.14159265358',
  '+49 (1577) 7730461',
  '1987-03-29',
  'Zqöë Mwükjß-Xÿq',
  'Qwzxvjk',
  'qwzx jkvy qxwz',
  '漢字圏外機密個人',
  '🐘🐤🦡🦔🦩',
  'back\\wzqx\\yvkj',
  "wqzx\\' , vjqk",
  'tab\twqzx\tjykv',
  'line wqxz one\nline jvky two\n\n\tline qkxw',
  "';zqxwv''kjqyz",
  '"zqvwx kyjq"',
  '$$zqwx$jvky$$',
  'x -- zqwxv /* kjyqz */ ; */',
  'pgw:zqwxvjkyzqwxvjkyzqwxvjkyzqwxvjky',
  '[json zqwx.vjky:98 76/77] {"zqwxv":"jkyqz"}',
  'zqwx "jkvy", (xqzw), jqvk',
  '#011zqwx%20jvky',
  'vqzxw '.repeat(260),
  'kqxwzvjy'.repeat(150),
  'ÿqxž'.repeat(240),
];

/** As many bytes of a value in a row tell it. */
const shortest = 6;
/** So many digits of a token are not those of a value by chance. */
const digits = 10;

/**
 * Looks for what is left of the values, however they are written: as they are, escaped, in hex or
 * base64. What frames hold that were made with no such value in them is nothing to be found.
 */
export function leakFinder(innocent: readonly Uint8Array[]): (frame: Uint8Array) => string[] {
  const harmless = new Set<string>();
  for (const frame of innocent)
    for (const piece of pieces(latin1(frame), shortest)) harmless.add(piece);
  const bySix = new Map<string, Set<string>>();
  for (const window of telling()) {
    const six = window.slice(0, shortest);
    if (window.length === shortest && harmless.has(window)) continue;
    bySix.set(six, (bySix.get(six) ?? new Set()).add(window));
  }
  return (frame) => {
    const text = latin1(frame);
    const found = new Set<string>();
    for (let at = 0; at + shortest <= text.length; at++) {
      for (const window of bySix.get(text.slice(at, at + shortest)) ?? []) {
        if (text.startsWith(window, at)) found.add(text.slice(Math.max(0, at - 120), at + 60));
      }
    }
    return [...found];
  };
}

function* telling(): Generator<string> {
  for (const value of plantedValues) {
    const json = JSON.stringify(value).slice(1, -1);
    for (const written of [value, json, value.replaceAll("'", "''"), value.replaceAll('"', '""')]) {
      const text = latin1(Buffer.from(written));
      for (const piece of pieces(text, shortest)) if (!/^[0-9a-f]*$/.test(piece)) yield piece;
      for (const piece of pieces(text, digits)) if (/^[0-9a-f]*$/.test(piece)) yield piece;
    }
    const bytes = Buffer.from(value);
    yield* pieces(bytes.toString('hex'), 2 * shortest);
    yield* pieces(bytes.toString('hex').toUpperCase(), 2 * shortest);
    for (const from of [0, 1, 2]) {
      // The last characters depend on what follows.
      yield* pieces(bytes.subarray(from).toString('base64').replace(/=*$/, '').slice(0, -1), 8);
    }
  }
}

function* pieces(text: string, length: number): Generator<string> {
  for (let at = 0; at + length <= text.length; at++) yield text.slice(at, at + length);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
