import type { Edit } from './edit.ts';
import { isPlainName } from './message-template.ts';
import { redactParameters } from './redact-parameters.ts';
import { expressionEdits, type RedactionTools, wholeFrom } from './redact-statement.ts';
import { shiftEdits } from './shift-edits.ts';

const word = String.raw`[\p{L}_][\p{L}\p{M}\p{N}_$]{0,62}`;
const quoted = '"(?:[^"]|""){1,126}"(?!")';
const name = `(?:${word}|${quoted})`;
const qualified = `${name}(?:\\.${name}){0,2}`;
const signature = `${qualified}\\((?:[\\p{L}\\p{M}\\p{N}_$ ,.\\[\\]]|${quoted}){0,2000}\\)`;

/** What PL/pgSQL was at (src/pl/plpgsql/src/pl_funcs.c and pl_exec.c). */
const plStates =
  "at (?:statement block|assignment|IF|CASE|LOOP|WHILE|FOR with integer loop variable|FOR over (?:SELECT rows|cursor|EXECUTE statement)|FOREACH over array|EXIT|CONTINUE|RETURN(?: NEXT| QUERY)?|RAISE|ASSERT|SQL statement|PERFORM|CALL|DO|EXECUTE|GET (?:STACKED )?DIAGNOSTICS|OPEN|FETCH|MOVE|CLOSE|COMMIT|ROLLBACK|SET)|during (?:initialization of execution state|function (?:entry|exit)|statement block (?:local variable initialization|entry|exit)|exception cleanup)|while (?:storing call arguments into local variables|casting return value to function's return type)";

/** Entries that hold names and numbers alone. */
const plainEntries = [
  `PL/pgSQL function (?:inline_code_block|${signature})(?: line \\d{1,9})?(?: (?:${plStates}))?`,
  `SQL function "${word}"(?: statement \\d{1,9}| during [a-z]{1,20})?`,
  `while (?:updating|locking|inserting index|deleting|rechecking updated|checking uniqueness of|checking exclusion constraint on)(?: tuple)? (?:tuple )?\\(\\d{1,10},\\d{1,6}\\) in relation "${word}"`,
  `while scanning (?:block \\d{1,10} (?:and offset \\d{1,6} )?of )?relation "${word}(?:\\.${word})?"`,
  `COPY ${word}, line \\d{1,15}(?:, column ${word}: null input)?`,
  'parallel worker',
  'extended query',
].map((source) => new RegExp(`${source}(?=\\n|$)`, 'suy'));

/** Entries that quote a text to their end: whose quotes are not doubled in it. */
const quotingEntries: readonly { readonly head: RegExp; readonly holds: 'sql' | 'value' }[] = [
  { head: /SQL (?:statement|expression) "/y, holds: 'sql' },
  { head: /PL\/pgSQL assignment "/y, holds: 'sql' },
  {
    head: new RegExp(`COPY ${word}, line \\d{1,15}(?:, column ${word})?: "`, 'uy'),
    holds: 'value',
  },
];
const parameterEntry =
  /(?:unnamed portal|portal "([^"\n]{1,63})"|extended query) with parameters: |unnamed portal parameter (?=\$\d{1,5} = )/y;
const longest = 1 << 20;
/** Places tried for the end of a quoted text: each costs a parse or two. */
const mostEnds = 40;
/** No more is parsed than so many times the text's length: somebody may have written it to cost much. */
const mostParsed = 4;

/** A CONTEXT: an entry a line, the innermost first. From the first on that is none of Postgres's it goes whole. */
export function contextEdits(text: string, tools: RedactionTools): Edit[] {
  if (text.length > longest) return wholeFrom(text);
  const edits: Edit[] = [];
  const budget = { left: mostParsed * text.length };
  for (let at = 0; at < text.length; ) {
    if (text[at] === '\n') {
      // A line that redaction has emptied.
      at += 1;
      continue;
    }
    const entry = readEntry(text, at, budget, tools);
    if (entry === undefined) return [...edits, ...wholeFrom(text, at)];
    edits.push(...entry.edits);
    at = entry.end + 1;
  }
  return edits;
}

interface Entry {
  readonly edits: readonly Edit[];
  readonly end: number;
}

/** Units that may yet be parsed. */
interface Budget {
  left: number;
}

function readEntry(
  text: string,
  at: number,
  budget: Budget,
  tools: RedactionTools,
): Entry | undefined {
  const plain = plainEnd(text, at);
  if (plain !== undefined) return { edits: [], end: plain };
  for (const { head, holds } of quotingEntries) {
    const length = matchAt(head, text, at)?.[0].length;
    if (length === undefined) continue;
    const start = at + length;
    return holds === 'sql' ? sqlEntry(text, start, budget, tools) : valueEntry(text, start, tools);
  }
  const parameters = matchAt(parameterEntry, text, at);
  if (parameters === undefined || !isPlainName(parameters[1] ?? 'portal')) return undefined;
  const start = at + parameters[0].length;
  for (const end of entryEnds(text, start)) {
    const edits = redactParameters(text.slice(start, end), tools.tokenOf, { whole: true });
    if (edits.ok) return { edits: shiftEdits(edits.edits, start), end };
  }
  return undefined;
}

/**
 * The text is taken to end at the first quote behind which an entry begins and up to which it is
 * SQL: that quote is in no literal, so all values before it are told.
 */
function sqlEntry(
  text: string,
  start: number,
  budget: Budget,
  tools: RedactionTools,
): Entry | undefined {
  for (const end of entryEnds(text, start)) {
    if (text[end - 1] !== '"' || end === start) continue;
    budget.left -= end - start;
    if (budget.left < 0) return undefined;
    const inner = text.slice(start, end - 1);
    const edits = tools.sql.edits(inner, tools.tokenOf, { whole: true });
    if (edits.ok) return { edits: shiftEdits(edits.edits, start), end };
    const assigned = /^[\p{L}\p{N}_$."[\] ]{1,200}:= ?/u.exec(inner)?.[0].length ?? 0;
    const expression = expressionEdits(inner.slice(assigned), tools);
    if (expression !== undefined) return { edits: shiftEdits(expression, start + assigned), end };
  }
  return undefined;
}

/** The value ends at the last quote that can end it: too much rather than too little becomes a token. */
function valueEntry(text: string, start: number, { tokenOf }: RedactionTools): Entry | undefined {
  const end = [...entryEnds(text, start)].findLast((each) => text[each - 1] === '"');
  if (end === undefined || end === start) return undefined;
  const value = text.slice(start, end - 1);
  return { edits: value === '' ? [] : [{ start, end: end - 1, text: tokenOf(value) }], end };
}

/** Where an entry can end: before a line that begins another one, and at the text's end. */
function* entryEnds(text: string, from: number): Generator<number> {
  let tried = 0;
  for (let at = text.indexOf('\n', from); at !== -1; at = text.indexOf('\n', at + 1)) {
    if (!beginsEntry(text, at + 1)) continue;
    if (++tried >= mostEnds) break;
    yield at;
  }
  yield text.length;
}

function beginsEntry(text: string, from: number): boolean {
  let at = from;
  while (text[at] === '\n') at += 1;
  return (
    plainEnd(text, at) !== undefined ||
    quotingEntries.some(({ head }) => matchAt(head, text, at) !== undefined) ||
    matchAt(parameterEntry, text, at) !== undefined
  );
}

function plainEnd(text: string, at: number): number | undefined {
  for (const entry of plainEntries) {
    const match = matchAt(entry, text, at);
    if (match !== undefined) return at + match[0].length;
  }
  return undefined;
}

function matchAt(shape: RegExp, text: string, at: number): RegExpExecArray | undefined {
  shape.lastIndex = at;
  return shape.exec(text) ?? undefined;
}
