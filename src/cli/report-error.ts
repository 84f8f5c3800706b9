import pc from 'picocolors';
import { PgwitnessError } from '../error.ts';

/** What the user sees of an error: one sentence, what to do next, the code. */
export function reportError(error: unknown, color: boolean): string {
  const paint = pc.createColors(color);
  if (error instanceof PgwitnessError) {
    return `${paint.red('error')} ${error.message}\n${paint.bold('  fix')} ${error.fix}\n ${paint.dim('code')} ${error.code}`;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${paint.red('error')} pgwitness met something it does not expect: ${text}\n${paint.bold('  fix')} Run it again; if it stays, report it with the lines above, which may quote your data.\n ${paint.dim('code')} internal`;
}

/** Exit code for what a verb threw. */
export function exitCodeOf(error: unknown): number {
  return error instanceof PgwitnessError ? error.exit : 1;
}
