import type { LogSettings } from './log-settings.ts';

/**
 * What leaves the database once capture is installed, in plain words, and how each is switched off.
 * `logged`: roles get a log_statement of their own.
 */
export function whatLeaves(settings: LogSettings, logged: boolean): readonly string[] {
  const statements = logged || settings.on || settings.host === 'heroku';
  return [
    'Witness lines: for each statement that changed a captured table, one line in the server log with the table, the command, the number of rows, the transaction and a keyed digest of what was captured, and once a top-level query the text of that query, literals included. No value of a row is in them. `witness: false` switches them off.',
    ...(statements
      ? [
          `Statements that write, as log_statement has them logged: their text, literals included, and their bind parameters. ${logged ? 'Leave `log_statement` out of the roles to do without.' : 'Set it back to none to do without.'}`,
        ]
      : []),
    'Never images, the rows before and after: they stay in the database, in <table>_history.',
    `exclude and mask hold for images and digests, not for the text of a statement: what is written as a literal is in the log. Send such values as bind parameters${statements ? '; where log_statement is on, these are logged too' : ', which witness lines leave out'}.`,
  ];
}
