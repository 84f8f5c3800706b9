/**
 * Characters that make a terminal do something, or show text in another order or not at all: C0 and
 * C1 controls, zero-width and bidirectional marks, separators, tags, lone surrogates.
 */
const harmful =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\u{e0000}-\u{e0fff}]|\u034f|\p{Cs}/gu;

/**
 * Text from a log, for a terminal: what would act on it is shown as an escape (`\x1b`, `\u{202e}`).
 * Newlines and tabs too, unless `lines` is set: then newlines stay and a tab becomes two blanks.
 */
export function harmlessText(text: string, options: { readonly lines?: boolean } = {}): string {
  return text.replace(harmful, (character) => {
    if (options.lines === true && character === '\n') return '\n';
    if (options.lines === true && character === '\t') return '  ';
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** JSON on one line that does nothing to a terminal and reads back to the same value. */
export function harmlessJson(value: unknown): string {
  // JSON.stringify escapes C0 and lone surrogates; all else can only stand inside of strings.
  return JSON.stringify(value).replace(harmful, (character) =>
    [...Array(character.length).keys()]
      .map((unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{17000}-\u{18cff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const combining = /\p{M}/u;

/** Columns that harmless text takes on a terminal. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) {
    if (combining.test(character)) continue;
    columns += wide.test(character) ? 2 : 1;
  }
  return columns;
}

/**
 * Harmless text in lines of at most `columns`, broken at blanks where there are any: the line's own
 * newlines stay, and nothing is left out.
 */
export function wrapText(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, columns));
}

function wrapLine(line: string, columns: number): string[] {
  const lines: string[] = [];
  let from = 0;
  let width = 0;
  /** Behind the last blank of the line at hand. */
  let blank = -1;
  let at = 0;
  for (const character of line) {
    const own = columnsOf(character);
    // A blank that ends a line may hang over the edge: it is not printed.
    while (width + own > columns && at > from && character !== ' ') {
      const cut = blank > from ? blank : at;
      lines.push(withoutLastBlanks(line.slice(from, cut)));
      from = cut;
      width = columnsOf(line.slice(cut, at));
    }
    width += own;
    at += character.length;
    if (character === ' ') blank = at;
  }
  lines.push(withoutLastBlanks(line.slice(from)));
  return lines;
}

/** Blanks alone: `trimEnd` would also take what a reader may want to see. */
function withoutLastBlanks(line: string): string {
  return line.replace(/ +$/, '');
}
