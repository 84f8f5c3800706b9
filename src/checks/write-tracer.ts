import pg from 'pg';
import type { SmokeConfig, SmokeRow } from '../config/config.ts';
import { showTable } from '../config/table-name.ts';
import { type Ask, refusalOf } from './ask-database.ts';
import { failed, type Outcome, type SmokeFailure } from './smoke-stage.ts';
import { insertStatement, sqlTable } from './tracer.ts';

/** The tracer as it was written. */
export interface WrittenTracer {
  /** The role that logged in, under which the log has it. */
  readonly role: string;
  /** What this session's statements are logged by. */
  readonly logStatement: string;
  /** A witness line about the table carries the statement to the log, whatever `log_statement` is. */
  readonly witnessed: boolean;
  /** Something else than these may log this session's statements: pgaudit, durations, samples. */
  readonly loggedOtherwise: boolean;
}

/** Each of these, beside log_statement, makes the server log statements of a session. */
const loggedOtherwise = `exists (select 1 from pg_settings where
  (name = 'pgaudit.log' and setting not in ('', 'none'))
  or (name = 'pgaudit.role' and setting <> '')
  or (name = 'log_transaction_sample_rate' and setting <> '0')
  or (name in ('log_min_duration_statement', 'log_min_duration_sample', 'auto_explain.log_min_duration')
      and setting <> '-1'))`;

/**
 * Whether an INSERT into the table runs a trigger that writes a witness line, and the server logs it with
 * its STATEMENT. The triggers may be those of an append-only table or of a captured one: what they have in
 * common is the line's beginning in their function's text.
 */
function witnessed(table: SmokeConfig['event']['table']): string {
  return `(
    current_setting('log_min_messages') not in ('fatal', 'panic')
    and current_setting('log_min_error_statement') not in ('fatal', 'panic')
    and exists (
      select 1 from pg_trigger t join pg_proc p on p.oid = t.tgfoid
      where t.tgrelid = to_regclass(${pg.escapeLiteral(sqlTable(table))}) and not t.tgisinternal
        and t.tgenabled in ('A', case current_setting('session_replication_role')
          when 'replica' then 'R' else 'O' end)
        and t.tgtype & 4 <> 0 and p.prosrc like '%AUDIT: WITNESS,%'
    ))`;
}

/** Inserts the tracer on a connection of the application's own login. */
export async function writeTracer(
  ask: Ask,
  event: SmokeConfig['event'],
  row: SmokeRow,
): Promise<Outcome<WrittenTracer>> {
  const where = showTable(event.table);
  // `SET ROLE` applies no setting of the role, so what counts is the session's own.
  const [session] = await ask<{
    role: string;
    acting: string;
    log_statement: string;
    witnessed: boolean;
    otherwise: boolean;
  }>(
    `select session_user::text as role, current_user::text as acting,
       current_setting('log_statement') as log_statement,
       ${witnessed(event.table)} as witnessed, ${loggedOtherwise} as otherwise`,
  );
  if (session === undefined) throw new Error('the server gave no row for its session');
  const { role, acting, log_statement: logStatement } = session;
  try {
    await ask(insertStatement(event.table, row));
  } catch (error) {
    return refused(error, where, acting, 'smoke.event.row');
  }
  return {
    ok: true,
    evidence: `${where}, as ${role} with log_statement ${logStatement}${session.witnessed ? ', witnessed' : ''}`,
    found: {
      ...{ role, logStatement, witnessed: session.witnessed },
      loggedOtherwise: session.otherwise,
    },
  };
}

/** What it means that the server took a row of the smoke test not. */
export function refused(
  error: unknown,
  where: string,
  role: string,
  configKey: string,
): Outcome<never> {
  const { sqlState, message, inFunction } = refusalOf(error);
  const evidence = `${where}: ${message}${sqlState === undefined ? '' : ` (${sqlState})`}`;
  return failed(evidence, meaningOf(sqlState ?? '', inFunction, where, role, configKey));
}

function meaningOf(
  sqlState: string,
  inFunction: boolean,
  where: string,
  role: string,
  configKey: string,
): SmokeFailure {
  if (inFunction) {
    return {
      mode: 'C',
      meaning: `A trigger on ${where} fails, and with it each write of the application.`,
      next: 'Look at what `pgwitness plan` says of its triggers; `pgwitness install` puts those of pgwitness back.',
    };
  }
  if (sqlState === '42501') {
    return {
      meaning: `${role} may not insert into ${where}.`,
      next: 'Grant it INSERT there, or let the URL log in as the role that writes.',
    };
  }
  if (sqlState === '42P01' || sqlState === '3F000') {
    return {
      meaning: `There is no table ${where}.`,
      next: 'Correct the table under `smoke` in pgwitness.yaml, or the database in the URL.',
    };
  }
  if (/^(22|23|42)/.test(sqlState)) {
    return {
      meaning: `The configured row does not fit ${where}.`,
      next: `Correct ${configKey} in pgwitness.yaml: the server says why above.`,
    };
  }
  return {
    meaning: 'The database did not take the row; nothing is known about the trail yet.',
    next: 'Look at the reason above, e.g. a lock on the table or a server that is read-only, and run it again.',
  };
}

/** The value by which a person finds the row: the first that holds the nonce. */
export function markOf(row: SmokeRow, nonce: string): string {
  const mark = Object.values(row).find(
    (value) => typeof value === 'string' && value.includes(nonce),
  );
  return String(mark ?? nonce);
}
