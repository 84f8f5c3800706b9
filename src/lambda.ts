// The entry of AWS Lambda: `lambda.handler` takes the events of a Function URL. A function that can't
// work fails here, at its start, where AWS counts and shows it, and not at each frame.
import { startLambda } from './receive/lambda-start.ts';

/** Answers an event of a Function URL (payload format 2.0). Never rejects. */
export const handler = await startLambda({
  env: process.env,
  folder: process.env['LAMBDA_TASK_ROOT'] ?? process.cwd(),
  now: Date.now,
  // Not console: the runtime puts words before what that is given, and CloudWatch then sees no JSON.
  write: (line) => process.stdout.write(line),
});
