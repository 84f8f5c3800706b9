import { captureNames } from '../capture/capture-names.ts';
import type { LogRecord } from '../logplex/record.ts';
import { type QualifiedName, readQualifiedName } from './qualified-name.ts';
import type { Witness } from './witness-line.ts';

const begin = 'PL/pgSQL function ';
const end = /^\(\) line \d{1,9} at RAISE(?:\n|$)/;

/**
 * Whether the server says, in the CONTEXT that it adds itself, that the function raised the line which
 * writes such lines. Undefined where it says nothing, or in another language (`lc_messages`). It supports
 * a code that verifies, and never stands in for one: a true line that is raised a second time by another
 * hand has the right code and the wrong CONTEXT. The function is named with its schema, since it runs
 * with a search_path of its own; without one it is another, that the session had in its search_path.
 */
export function isRaisedBy(
  record: Pick<LogRecord, 'context'>,
  witness: Witness,
): boolean | undefined {
  const { context } = record;
  if (context?.startsWith(begin) !== true) return undefined;
  const read = readQualifiedName(context.slice(begin.length));
  if (read === undefined || !end.test(read.rest)) return false;
  const { schema, name } = functionOf(witness);
  return read.name.schema === schema && read.name.name === name;
}

function functionOf({ kind, table }: Witness): QualifiedName {
  if (kind === 'append-only') return { schema: 'pgwitness', name: 'witness_append_only' };
  if (kind === 'captured') return { schema: table.schema, name: captureNames(table).function };
  const captured = { schema: table.schema, name: table.name.replace(/_history$/, '') };
  return { schema: table.schema, name: captureNames(captured).witness };
}
