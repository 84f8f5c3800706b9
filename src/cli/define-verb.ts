import { buildCommand, type Command, type CommandBuilderArguments } from '@stricli/core';
import type { Cli } from './context.ts';
import { wrapText } from './harmless-text.ts';

const columns = 80;

type Flags<F> = Readonly<Partial<Record<keyof F, unknown>>>;

/**
 * A verb: its help with examples, its flags, and `run`, which returns the exit code
 * (0 fine, 1 a finding) or throws PgwitnessError. `run` loads what it needs by dynamic import, so that
 * no verb pays for another's libraries.
 */
export function defineVerb<
  const F extends Flags<F>,
  const A extends readonly unknown[] = [],
>(verb: {
  readonly brief: string;
  readonly detail?: string;
  /** Command lines as typed, each with what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  readonly parameters: CommandBuilderArguments<F, A, Cli>['parameters'];
  readonly run: (cli: Cli, flags: F, ...args: A) => Promise<0 | 1>;
}): Command<Cli> {
  // An example is a line to copy, so it is never broken.
  const examples = verb.examples.map(([line, does]) => `  # ${does}\n  ${line}`).join('\n');
  const prose = [verb.brief, ...(verb.detail === undefined ? [] : [verb.detail])].map((text) =>
    wrapText(text, columns).join('\n'),
  );
  return buildCommand<F, A, Cli>({
    docs: {
      brief: verb.brief,
      fullDescription: [...prose, `EXAMPLES\n${examples}`].join('\n\n'),
      // All flags in one line would be 200 columns; below they stand with what they do.
      customUsage: ['[flags]'],
    },
    parameters: verb.parameters,
    async func(this: Cli, flags: F, ...args: A) {
      this.process.exitCode = await verb.run(this, flags, ...args);
    },
  });
}
