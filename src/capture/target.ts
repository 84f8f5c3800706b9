/** A table by schema and name, as in the catalogue: no quotes, exact case. */
export interface CapturedName {
  readonly schema: string;
  readonly name: string;
}

/** What becomes of a user's write where capture itself was destroyed. */
export type OnFailure = 'abort' | 'continue';

/** A table whose changes are kept, and how. Columns by their exact names. */
export interface CapturedTable extends CapturedName {
  /** Columns of which nothing is captured. */
  readonly exclude?: readonly string[];
  /** Columns captured as a keyed token: the same value gives the same token. */
  readonly mask?: readonly string[];
  /** Columns that pseudonymizing replaces in history. */
  readonly personal?: readonly string[];
  /** `abort` where absent: a write that can't be captured does not happen. */
  readonly onFailure?: OnFailure;
  /** Triggers fire under session_replication_role = replica too; not where absent. */
  readonly always?: boolean;
}

/** A role and what it may do on history; every other privilege is taken from it there. */
export interface CaptureRole {
  readonly name: string;
  readonly logStatement?: 'none' | 'ddl' | 'mod' | 'all';
  readonly history: readonly ('select' | 'insert' | 'update')[];
}

/** What is to be captured in one database: the part of a DatabaseConfig that capture needs. */
export interface CaptureTarget {
  /** The app whose database it is: another's capture is left alone. Absent where that is not to be noted. */
  readonly app?: string;
  /** Role that owns the tables and is to own history and the capture functions. */
  readonly owner: string;
  /** Tables whose changes go to `<table>_history`. */
  readonly tables: readonly CapturedTable[];
  /** Tables that only grow: UPDATE, DELETE and TRUNCATE are refused on them. */
  readonly appendOnly: readonly CapturedName[];
  readonly roles: readonly CaptureRole[];
  /** Whether each captured statement leaves a line in the server log; it does where absent. */
  readonly witness?: boolean;
  /** The user that the application logs in as, where it is known. */
  readonly applicationLogin?: string;
}
