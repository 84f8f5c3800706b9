import type { Edit } from './edit.ts';

/** Sentences of Postgres's own, with places in them, looked up by the text of a whole message. */
export interface Templates {
  /** What to replace in a text that is one of the sentences, to its last character; else undefined. */
  match(text: string, tokenOf: (value: string) => string): Edit[] | undefined;
}

/** Nothing that Postgres says of itself is longer; it bounds the work on a hostile text (UTF-16 units). */
const longest = 32_768;
const letter = String.raw`[\p{L}_][\p{L}\p{M}\p{N}_$]`;
const plainName = new RegExp(`^${letter}*(?:\\.${letter}*){0,3}$`, 'u');
const number = String.raw`-?\d{1,19}(?:\.\d{1,19})?`;
const ofTime = String.raw`(?:\(\d\))? with(?:out)? time zone`;
const oneType = String.raw`(?:bit varying|character varying|double precision|timestamp${ofTime}|time${ofTime}|${letter}{0,62}(?:\.${letter}{0,62})?|"[^"]{1,63}")(?:\(\d{1,4}(?:,-?\d{1,4})?\))?(?:\[\])?`;

/**
 * What each kind of place may hold, and what is kept of it. `name`, in double quotes, and `cols`: what
 * looks like names and nothing else is kept, else it becomes a token. `value` becomes a token, `values`
 * one each. All others are kept, as they have room for nothing but what they say.
 */
const places: Readonly<Record<string, string>> = {
  name: '(?<NAME>[^"]*)',
  cols: '(?<COLS>[^=]{1,1000})',
  value: '(?<VALUE>.*)',
  values: '(?<VALUES>.*)',
  bare: `${letter}{0,62}(?:\\.${letter}{0,62}){0,2}`,
  type: oneType,
  types: `(?:${oneType}(?:, ${oneType}){0,99})?`,
  n: number,
};

/**
 * Each source is a regular expression over the whole text, with places such as `{name}` in it. A
 * position (` at character 15`) may follow each.
 */
export function compileTemplates(sources: readonly string[]): Templates {
  const byWord = new Map<string, RegExp[]>();
  for (const source of sources) {
    const compiled = compile(source);
    const word = /^[A-Za-z]+(?=[ ,:]|$)/.exec(source)?.[0] ?? '';
    byWord.set(word, [...(byWord.get(word) ?? []), compiled]);
  }
  const anyWord = byWord.get('') ?? [];
  return {
    match(text, tokenOf) {
      if (text.length > longest) return undefined;
      const word = /^[A-Za-z]+(?=[ ,:]|$)/.exec(text)?.[0] ?? '';
      for (const template of [...(word === '' ? [] : (byWord.get(word) ?? [])), ...anyWord]) {
        const match = template.exec(text);
        if (match !== null) return editsOf(match, tokenOf);
      }
      return undefined;
    },
  };
}

function compile(source: string): RegExp {
  let index = 0;
  const filled = source.replace(/\{([a-z]+)\}/g, (_, place: string) => {
    const shape = places[place];
    if (shape === undefined) throw new Error(`no place is called ${place}`);
    return shape.replace(/<[A-Z]+>/, (group) => `${group.slice(0, -1)}${index++}>`);
  });
  return new RegExp(`^(?:${filled})(?: at character \\d{1,9})?$`, 'dsu');
}

function editsOf(match: RegExpExecArray, tokenOf: (value: string) => string): Edit[] {
  const edits: Edit[] = [];
  for (const [group, span] of Object.entries(match.indices?.groups ?? {})) {
    const text = match.groups?.[group];
    if (span === undefined || text === undefined || text === '') continue;
    const start = span[0];
    if (group.startsWith('VALUES')) edits.push(...valueList(text, start, tokenOf));
    else if (!isKept(group, text)) edits.push(replace(start, text, tokenOf));
  }
  return edits.filter(({ text }) => text !== '').sort((a, b) => a.start - b.start);
}

function isKept(group: string, text: string): boolean {
  if (group.startsWith('NAME')) return isPlainName(text);
  return group.startsWith('COLS') && text.split(', ').every(isPlainName);
}

/** Whether a text is a name, perhaps with a schema before it, as SQL takes one without quotes. */
export function isPlainName(text: string): boolean {
  return text.length <= 255 && plainName.test(text);
}

/**
 * `1, joe, null`: the server puts no quotes about values, so one with a comma in it comes as several;
 * but whatever they are, each is a token.
 */
export function valueList(text: string, at: number, tokenOf: (value: string) => string): Edit[] {
  const edits: Edit[] = [];
  let start = at;
  for (const value of text.split(', ')) {
    if (value !== '' && value !== 'null') edits.push(replace(start, value, tokenOf));
    start += value.length + 2;
  }
  return edits;
}

function replace(start: number, value: string, tokenOf: (value: string) => string): Edit {
  return { start, end: start + value.length, text: tokenOf(value) };
}
