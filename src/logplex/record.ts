/** What a record is about. `witness` is an AUDIT line of class WITNESS; `audit` is pgaudit's own. */
export type RecordKind = 'statement' | 'audit' | 'witness' | 'error' | 'loss' | 'log' | 'other';

/**
 * One Postgres log message stitched from its lines, or a line that is not Postgres's (`other`),
 * or a loss told by Logplex (`loss`). Absent fields were not in the log line.
 */
export interface LogRecord {
  readonly kind: RecordKind;
  /** When the server (or, for lines without a time of their own, Logplex) says it happened: ISO 8601, UTC. */
  readonly time: string;
  /** The server's own timestamp as its jsonlog has it, where its zone is not UTC: `time` is then the syslog line's. */
  readonly serverTime?: string;
  /** Syslog HOST, APP-NAME and PROCID of the line. */
  readonly host: string;
  readonly app: string;
  readonly procid: string;
  /** Postgres session id (`%c`), e.g. `647e3878.1e62e5`. */
  readonly session?: string;
  /** Number of the message in its session (`%l`, Heroku's `log_line`). With `session` it names the record. */
  readonly logLine?: number;
  readonly pid?: number;
  readonly user?: string;
  readonly database?: string;
  readonly application?: string;
  /** Address and port of the client as logged, e.g. `10.1.2.3(41234)`. */
  readonly source?: string;
  /** Virtual transaction id (`%v`), e.g. `2/17`. */
  readonly vtid?: string;
  /** Transaction id (`%x`), 0 where none was assigned yet. */
  readonly xid?: number;
  readonly sqlState?: string;
  /** `LOG`, `ERROR`, `WARNING`, … */
  readonly severity?: string;
  /** The whole primary message, newlines restored: `statement: INSERT …`, `AUDIT: …`, … */
  readonly message: string;
  /** The statement's text, from `statement:`, `execute …:` or the STATEMENT field. */
  readonly statement?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly context?: string;
  /** The QUERY field: a query that a function ran, where an error lies in it. */
  readonly internalQuery?: string;
  /** Fields of an `AUDIT:` line after the prefix, parsed as CSV. */
  readonly audit?: readonly string[];
  /** For `loss`: messages lost, since when, and the code (L10 to L13). */
  readonly loss?: LossFact;
  /**
   * False where chunks of the message are known to be missing; the text holds what came. Chunks
   * missing at the very end of a `[N-M]` message can't be known: that form gives no total.
   */
  readonly complete: boolean;
  /**
   * The bytes can be read in more than one way: a cut that falls where a line could end as well, a
   * quote in an application's name that could end the prefix, chunks of two messages under one
   * number. The reading given is the likelier; no proof may rest on it.
   */
  readonly ambiguous?: true;
}

/** A loss that the transport tells of itself. */
export interface LossFact {
  readonly code: 'L10' | 'L11' | 'L12' | 'L13';
  /** Messages lost: an upper bound for L10 (a frame stored but answered too late counts). */
  readonly count: number;
  /** Start of the span of loss as the line gives it. */
  readonly since: string;
}
