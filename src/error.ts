/** How a failure ends the command: 1 a finding, 2 usage or configuration, 3 can't reach. */
export type ExitCode = 1 | 2 | 3;

/**
 * The one error of the project. `message` is a sentence that names the thing and the place,
 * `fix` a sentence that says what to do next, `code` stays the same across releases
 * (`<folder>.<kebab-case>`, e.g. `receive.port-in-use`).
 *
 * Expected outcomes (a finding, a bad frame) are returned; this is thrown for what stops the work.
 */
export class PgwitnessError extends Error {
  override readonly name = 'PgwitnessError';
  readonly code: string;
  readonly fix: string;
  readonly exit: ExitCode;

  constructor(given: {
    code: string;
    message: string;
    fix: string;
    exit: ExitCode;
    cause?: unknown;
  }) {
    super(given.message, given.cause === undefined ? undefined : { cause: given.cause });
    this.code = given.code;
    this.fix = given.fix;
    this.exit = given.exit;
  }
}
