import { type CsvSpan, csvSpans, placesIn } from './csv-spans.ts';
import type { Edit } from './edit.ts';
import { isPlainName } from './message-template.ts';
import {
  type RedactionTools,
  statementEdits,
  type TextEnd,
  wholeFrom,
} from './redact-statement.ts';

const begin = 'AUDIT: ';
/** Of `SESSION,1,1,WRITE,INSERT,TABLE,public.users,<statement>,<parameters>[,<rows>]`. */
const kept = [
  /^(?:SESSION|OBJECT)$/,
  /^\d{1,19}$/,
  /^\d{1,19}$/,
  /^[A-Z_]{1,20}$/,
  /^[A-Z ]{0,60}$/,
  /^[A-Z ]{0,60}$/,
];
const objectAt = kept.length;
const statementAt = objectAt + 1;
const parametersAt = statementAt + 1;
const rowsAt = parametersAt + 1;
/** Words of pgaudit's own in the place of a text. */
const noText = /^<(?:none|not logged|previously logged|long param suppressed)>$/;
const quotedName = /^(?:[a-z_][\w$]*|"(?:[^"]|"")+")(?:\.(?:[a-z_][\w$]*|"(?:[^"]|"")+"))*$/;

/**
 * A line of pgaudit's: its statement and its parameters become free of values, all else stays.
 * Undefined where the text is none.
 */
export function auditEdits(text: string, end: TextEnd, tools: RedactionTools): Edit[] | undefined {
  if (!text.startsWith(begin)) return undefined;
  const fields = csvSpans(text.slice(begin.length))?.map((field) => moved(field, begin.length));
  if (fields === undefined || fields.length < statementAt + 1 || fields.length > rowsAt + 1) {
    return undefined;
  }
  // Each but the last is closed; the last may go on in another frame.
  if (end.followed && fields.at(-1)?.closed !== true) return undefined;
  if (!kept.every((shape, index) => shape.test(fields[index]?.value ?? ''))) return undefined;
  const [object, statement, parameters, rows] = fields.slice(objectAt) as [
    CsvSpan,
    CsvSpan,
    CsvSpan?,
    CsvSpan?,
  ];
  if (rows !== undefined && !/^\d{0,19}$/.test(rows.value)) return undefined;
  return [
    ...objectEdits(object, tools),
    ...statementField(statement, end, tools),
    ...(parameters === undefined ? [] : parameterEdits(parameters, tools)),
  ];
}

function moved(field: CsvSpan, by: number): CsvSpan {
  return { ...field, start: field.start + by, end: field.end + by };
}

function objectEdits(field: CsvSpan, { tokenOf }: RedactionTools): Edit[] {
  const { value } = field;
  if (value === '' || isPlainName(value) || quotedName.test(value)) return [];
  return inField(field, [{ start: 0, end: value.length, text: tokenOf(value) }]);
}

function statementField(field: CsvSpan, end: TextEnd, tools: RedactionTools): Edit[] {
  const { value, closed } = field;
  if (noText.test(value)) return [];
  const whole = { followed: closed && (field.quoted || end.followed), full: end.full && !closed };
  return inField(field, statementEdits(value, 0, whole, tools));
}

/** Values in CSV of their own; NULL and '' are both nothing. A value that is cut is none that can be told. */
function parameterEdits(field: CsvSpan, { tokenOf }: RedactionTools): Edit[] {
  if (noText.test(field.value)) return [];
  const values = csvSpans(field.value);
  if (values === undefined) return inField(field, wholeFrom(field.value));
  const edits = values.flatMap(({ start, end, quoted, closed, value }, index): Edit[] => {
    if (value === '' && !quoted) return [];
    if (noText.test(value) && !quoted) return [];
    const last = index === values.length - 1;
    const cut = !closed || (last && !field.closed);
    const edge = quoted ? 1 : 0;
    const span = { start: start - edge, end: end + (closed ? edge : 0) };
    const text = cut ? '[cut]' : tokenOf(value);
    return text === field.value.slice(span.start, span.end) ? [] : [{ ...span, text }];
  });
  return inField(field, edits);
}

/** Edits of a field's value as edits of the text. */
function inField(field: CsvSpan, edits: readonly Edit[]): Edit[] {
  const place = placesIn(field);
  return edits.map(({ start, end, text }) => {
    const from = place(start);
    return { start: from, end: place(end), text: field.quoted ? text.replaceAll('"', '""') : text };
  });
}
