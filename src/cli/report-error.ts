import pc from 'picocolors';
import { PgwitnessError } from '../error.ts';
import { harmlessText, wrapText } from './harmless-text.ts';

const columns = 80;

/**
 * What the user sees of an error: one sentence, what to do next, the code. On a terminal in colour and
 * at most 80 columns wide; elsewhere each on one line, for programs.
 */
export function reportError(error: unknown, terminal: boolean): string {
  if (error instanceof PgwitnessError) {
    return showError({ message: error.message, fix: error.fix, code: error.code }, terminal);
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return showError(
    {
      message: `pgwitness met something it does not expect: ${text}`,
      fix: 'Run it again; if it stays, report it with the lines above, which may quote your data.',
      code: 'internal',
    },
    terminal,
  );
}

/** As `reportError`, for a command line that is no command; `help` is the one that tells more. */
export function reportUsage(message: string, help: string, terminal: boolean): string {
  return showError({ message, fix: `Run \`${help}\`.`, code: 'cli.usage' }, terminal);
}

function showError(
  told: { readonly message: string; readonly fix: string; readonly code: string },
  terminal: boolean,
): string {
  const paint = pc.createColors(terminal);
  const block = (label: string, text: string) => {
    // What is quoted from outside (a server's message, a flag) must not act on the terminal.
    const clean = harmlessText(text, { lines: true });
    const hang = ' '.repeat(label.length + 1);
    return terminal ? wrapText(clean, columns - hang.length).join(`\n${hang}`) : clean;
  };
  const lines = [
    `${paint.red('error')} ${block('error', told.message)}`,
    `${paint.bold('  fix')} ${block('  fix', told.fix)}`,
    ` ${paint.dim('code')} ${told.code}`,
  ];
  // Stricli makes all of it bold and red.
  return paint.reset(lines.join('\n'));
}

/** Exit code for what a verb threw. */
export function exitCodeOf(error: unknown): number {
  return error instanceof PgwitnessError ? error.exit : 1;
}
