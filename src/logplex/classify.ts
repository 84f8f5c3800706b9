import { parseAuditFields } from './audit-fields.ts';
import type { LogRecord, RecordKind } from './record.ts';

/** What a message is about, and what its text holds for that. */
export type Classified = Pick<LogRecord, 'ambiguous' | 'audit' | 'statement'> & {
  readonly kind: RecordKind;
};

const duration = String.raw`(?:duration: \d+(?:\.\d+)? ms  )?`;
/** Where a statement begins with a newline, a transport may have trimmed the blank before it. */
const simple = new RegExp(`^${duration}statement:(?: |(?=\\n|$))`);
/**
 * `execute <name>: `, with `/<portal>` or `fetch from ` where Postgres has them. A client may name
 * its prepared statement `a: b`; such a name ends here at its first colon, and `message` has it all.
 * Where the name could also end further on the record is ambiguous.
 */
const extended = new RegExp(`^${duration}execute (?:fetch from )?[^:]*:(?: |(?=\\n|$))`);

/**
 * Tells the kind of a Postgres message. Any role can `RAISE LOG` a text that reads like a logged
 * statement or like pgaudit's line, but the server then adds the CONTEXT of the RAISE, which
 * neither log_statement's nor pgaudit's lines have: with a CONTEXT a message is no statement and no
 * audit. Witness lines are raised in a function; whether one is genuine its keyed code tells.
 */
export function classify(given: {
  readonly severity: string | undefined;
  readonly message: string;
  readonly context: string | undefined;
  readonly statement: string | undefined;
}): Classified {
  const { message, severity } = given;
  const own = given.statement === undefined ? {} : { statement: given.statement };
  if (severity === 'ERROR' || severity === 'FATAL' || severity === 'PANIC') {
    return { kind: 'error', ...own };
  }
  if (message.startsWith('AUDIT: ')) {
    const audit = parseAuditFields(message.slice('AUDIT: '.length));
    const kind = auditKind(audit?.[0], given.context !== undefined);
    if (audit !== undefined && kind !== undefined) return { kind, audit, ...own };
  }
  if (severity === 'LOG' && given.context === undefined && given.statement === undefined) {
    const match = simple.exec(message) ?? extended.exec(message);
    if (match !== null) {
      const statement = message.slice(match[0].length);
      return {
        kind: 'statement',
        statement,
        ...(endsElsewhere(match[0], statement) ? { ambiguous: true } : {}),
      };
    }
  }
  return { kind: 'log', ...own };
}

/** Whether the name of a prepared statement could go on to a later colon. `<unnamed>` is the server's word. */
function endsElsewhere(head: string, statement: string): boolean {
  const named = !/statement:|execute (?:fetch from )?<unnamed>/.test(head);
  return named && /:(?:[ \n]|$)/.test(statement);
}

function auditKind(type: string | undefined, raised: boolean): 'audit' | 'witness' | undefined {
  if (type === 'WITNESS') return 'witness';
  return (type === 'SESSION' || type === 'OBJECT') && !raised ? 'audit' : undefined;
}
