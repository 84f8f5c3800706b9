import type { DatabaseFacts } from './read-database.ts';

/**
 * Whose server it is, as far as its log tells: Heroku sets a log_line_prefix of its own, and another
 * on the essential tiers (github.com/heroku and pganalyze/collector have lines of each).
 */
export type Host = 'heroku-essential' | 'heroku' | 'other';

/** What can be had of log_statement for the roles that are proposed. */
export interface LogSettings {
  readonly host: Host;
  /** The provider refuses it altogether: witness lines carry the trail alone. */
  readonly refused: boolean;
  /** Roles for which this login may not set it. */
  readonly blocked: readonly string[];
  /** The server already logs what changes data, of everybody. */
  readonly on: boolean;
}

/** Reads from the facts whether log_statement can be set for `roles`. */
export function logSettings(facts: DatabaseFacts, roles: readonly string[]): LogSettings {
  const host = hostOf(facts.log_line_prefix);
  return {
    host,
    refused: host === 'heroku-essential',
    blocked: roles.filter((role) => !facts.maySetLog.has(role)),
    on: facts.log_statement === 'mod' || facts.log_statement === 'all',
  };
}

function hostOf(prefix: string): Host {
  if (/^\s*database = %d connection_source = %r sql_error_code = %e/.test(prefix)) {
    return 'heroku-essential';
  }
  return /^\s*sql_error_code = %e/.test(prefix) ? 'heroku' : 'other';
}
