import type { SectionLabel } from '../logplex/postgres-prefix.ts';
import type { Edit } from './edit.ts';
import { knownDetails, knownHints, knownMessages } from './known-messages.ts';
import type { Templates } from './message-template.ts';
import { auditEdits } from './redact-audit.ts';
import { contextEdits } from './redact-context.ts';
import { redactParameters } from './redact-parameters.ts';
import {
  expressionEdits,
  type RedactionTools,
  statementEdits,
  type TextEnd,
  wholeFrom,
} from './redact-statement.ts';
import { isRedacted, redactedBytes } from './redacted-bytes.ts';
import { isWitnessShape } from './witness-shape.ts';

/** A part of a message: its primary text, or a field after it. */
export interface Part {
  /** Undefined of the primary text. */
  readonly label: SectionLabel | undefined;
  readonly text: string;
  readonly end: TextEnd;
  /** The message is somebody's RAISE, as its CONTEXT says: its words are not Postgres's. */
  readonly raised: boolean;
  /** QUERY may be an expression of PL/pgSQL: the message is known, and is no syntax error. */
  readonly expressions: boolean;
  /** A CONTEXT or a STATEMENT comes with it, as with no statement that the server logs. */
  readonly explained: boolean;
}

/** What the first entry of a CONTEXT says of a message that somebody raised, in other languages maybe. */
export function isRaised(context: string | undefined): boolean {
  return (
    context !== undefined &&
    /^(?:PL\/pgSQL function [^\n]{1,4000} at (?:RAISE|ASSERT)(?:\n|$)|PL\/(?!pgSQL )|Traceback )/.test(
      context,
    )
  );
}

/** Whether the QUERY that comes with a primary text may be an expression: see `Part`. */
export function takesExpressions(primary: string | undefined): boolean {
  return primary !== undefined && !/^(?:syntax error|unterminated|trailing junk)/.test(primary);
}

const timing = String.raw`(?:duration: \d{1,15}(?:\.\d{1,6})? ms  ?)?`;
/** A statement follows, and before it maybe the name that it was prepared under. */
const logged = new RegExp(
  `^${timing}(?:statement|(?:parse|bind|execute|execute fetch from) (?<name>[^:\\n]{1,200})):(?: |(?=\\n|$))`,
  'd',
);
/** What drivers make, with the portal's name behind it; any other may be any text. */
const driverName = /^(?:<unnamed>|[A-Za-z_][\w.$-]{0,62})(?:\/[\w.$-]{1,63})?$/;
const plan = new RegExp(`^${timing}plan:`);
const prepared = /^prepare: /;
const located = /^\w{1,80}, [\w.-]{1,80}:\d{1,6}$/;

/** What to replace in a part so that no value is left in it. */
export function partEdits(part: Part, tools: RedactionTools): Edit[] {
  const { label, text, end, raised } = part;
  if (text.includes('\0')) return wholeFrom(text);
  switch (label) {
    case undefined:
      return primaryEdits(part, tools);
    case 'STATEMENT':
      return statementEdits(text, 0, end, tools);
    case 'QUERY':
      return queryEdits(part, tools);
    case 'CONTEXT':
      return contextEdits(trimmed(text), tools);
    case 'DETAIL':
      return raised ? wholeFrom(text) : detailEdits(text, end, tools);
    case 'HINT':
      return raised ? wholeFrom(text) : known(knownHints, trimmed(text), tools);
    case 'LOCATION':
      return located.test(trimmed(text)) ? [] : wholeFrom(text);
    default:
      return wholeFrom(text);
  }
}

function primaryEdits({ text, end, raised, explained }: Part, tools: RedactionTools): Edit[] {
  if (isWitnessShape(text)) return [];
  if (raised) return wholeFrom(text);
  const head = logged.exec(text);
  if (head !== null) {
    if (explained) return wholeFrom(text);
    return [...nameEdits(head), ...statementEdits(text, head[0].length, end, tools)];
  }
  const planned = plan.exec(text)?.[0].length;
  if (planned !== undefined) return wholeFrom(text, planned);
  const said = trimmed(text);
  return auditEdits(said, end, tools) ?? known(knownMessages, said, tools);
}

function nameEdits(head: RegExpExecArray): Edit[] {
  const name = head.groups?.['name'];
  const [start, end] = head.indices?.groups?.['name'] ?? [0, 0];
  if (name === undefined || driverName.test(name) || isRedacted(name)) return [];
  // A token has a colon in it, with which the name would end to a reader.
  return [{ start, end, text: redactedBytes(Buffer.byteLength(name)) }];
}

/** Without the blank lines at its end, of which only a statement can have any but those of redaction. */
function trimmed(text: string): string {
  let end = text.length;
  while (text[end - 1] === '\n') end--;
  return text.slice(0, end);
}

/** How much of a primary text is Postgres's own before the statement that it logs; 0 where it logs none. */
export function loggedHead(text: string): number {
  const head = logged.exec(text);
  return head === null || nameEdits(head).length > 0 ? 0 : Buffer.byteLength(head[0]);
}

function known(templates: Templates, text: string, { tokenOf }: RedactionTools): Edit[] {
  if (isRedacted(text.trim())) return [];
  return (templates.match(text, tokenOf) ?? wholeFrom(text)).filter(
    (edit) => edit.text !== text.slice(edit.start, edit.end),
  );
}

function detailEdits(text: string, end: TextEnd, tools: RedactionTools): Edit[] {
  const statement = prepared.exec(text)?.[0].length;
  if (statement !== undefined) return statementEdits(text, statement, end, tools);
  const said = trimmed(text);
  if (!/^[Pp]arameters: /.test(said)) return known(knownDetails, said, tools);
  for (const whole of end.followed ? [true] : [true, false]) {
    const edits = redactParameters(said, tools.tokenOf, { whole });
    if (edits.ok) return changed(said, edits.edits);
  }
  return wholeFrom(said, 'parameters: '.length);
}

/**
 * A query that a function ran, or an expression of PL/pgSQL. A bare word is an expression, too: but
 * what EXECUTE was given as a statement, and is none, is a value.
 */
function queryEdits({ text, end, expressions }: Part, tools: RedactionTools): Edit[] {
  const edits = tools.sql.edits(text, tools.tokenOf, { whole: true });
  if (edits.ok) return [...edits.edits];
  const expression = expressions ? expressionEdits(text, tools) : undefined;
  return expression ?? statementEdits(text, 0, end, tools);
}

function changed(text: string, edits: readonly Edit[]): Edit[] {
  return edits.filter((edit) => edit.text !== text.slice(edit.start, edit.end));
}
