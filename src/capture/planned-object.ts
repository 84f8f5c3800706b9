/** What a plan would do about one object. */
export type PlannedAction =
  /** It is missing and would be made. */
  | 'create'
  /** It was made by another hand, is as it has to be, and would be taken over as it stands. */
  | 'adopt'
  | 'unchanged'
  /** It is ours and not as it has to be: it would be put right. */
  | 'change'
  /** It stands in the way or is missing: nothing at all is installed. */
  | 'refuse'
  /** No connection given may do it: all else is installed, this is a finding. */
  | 'blocked';

/** One object of a plan: what it is, what would be done about it and with which SQL. */
export interface PlannedObject {
  readonly kind:
    | 'bookkeeping'
    | 'role'
    | 'table'
    | 'history'
    | 'index'
    | 'image'
    | 'view'
    | 'function'
    | 'trigger'
    | 'guard'
    | 'grant'
    | 'record'
    | 'setting';
  /** For people: `public.users_history`, `trg_users_history on public.users`. */
  readonly name: string;
  readonly action: PlannedAction;
  /** Why it is not simply unchanged; a sentence without its full stop. */
  readonly why?: string;
  /** What to do about a refusal or a blocked setting; a sentence. */
  readonly fix?: string;
  /** Refused because the configuration names what the database does not have. */
  readonly misconfigured?: true;
  /** Statements as the owner, in order; none where nothing is to be done. */
  readonly sql: readonly string[];
  /** Statements that take it away again. History stays. */
  readonly undo: readonly string[];
  /** For a setting that is not as wanted: who may set it, and how. */
  readonly setting?: PlannedSetting;
  /** The table it locks while its SQL runs, as an identifier in SQL. */
  readonly locks?: string;
}

/** log_statement of one role, in words for every way of setting it. */
export interface PlannedSetting {
  /** Which connection may; 'nobody' where none of those given may. */
  readonly by: 'owner' | 'superuser' | 'nobody';
  /** `alter role … set log_statement to …`, by whoever may. */
  readonly sql: string;
  /** For a migration, which does not know who runs it: set and noted, or a warning. */
  readonly trySql: string;
  /** The same for the way back. */
  readonly tryUndoSql: string;
}

/** A refusal. */
export function refuse(
  kind: PlannedObject['kind'],
  name: string,
  why: string,
  fix: string,
  misconfigured?: true,
): PlannedObject {
  const refusal = { kind, name, action: 'refuse', why, fix, sql: [], undo: [] } as const;
  return misconfigured === undefined ? refusal : { ...refusal, misconfigured };
}
