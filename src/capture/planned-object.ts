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
  /** The statement by whoever may SET log_statement, its reverse, and who that is. */
  readonly setting?: {
    readonly by: 'owner' | 'superuser' | 'nobody';
    readonly sql: string;
    readonly undo: string;
  };
  /** The table it locks while its SQL runs, as an identifier in SQL. */
  readonly locks?: string;
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
