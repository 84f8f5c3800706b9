/** A table by schema and name, as in the catalogue: no quotes, exact case. */
export interface CapturedName {
  readonly schema: string;
  readonly name: string;
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
  readonly tables: readonly CapturedName[];
  /** Tables that only grow: UPDATE, DELETE and TRUNCATE are refused on them. */
  readonly appendOnly: readonly CapturedName[];
  readonly roles: readonly CaptureRole[];
  /** The user that the application logs in as, where it is known. */
  readonly applicationLogin?: string;
}
