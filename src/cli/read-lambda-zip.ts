import { readFile } from 'node:fs/promises';
import { PgwitnessError } from '../error.ts';

/** The zip that is part of the package, with the SQL grammar or without. Throws `cli.no-lambda-zip`, exit 1. */
export async function readLambdaZip(redacts: boolean): Promise<Uint8Array> {
  const name = redacts ? 'pgwitness-lambda-redact.zip' : 'pgwitness-lambda.zip';
  try {
    return await readFile(new URL(`../../dist/lambda/${name}`, import.meta.url));
  } catch (cause) {
    throw new PgwitnessError({
      code: 'cli.no-lambda-zip',
      message: `${name} is not part of this installation of pgwitness.`,
      fix: 'Install pgwitness from npm, or run `npm run build:lambda` in its repository.',
      exit: 1,
      cause,
    });
  }
}
