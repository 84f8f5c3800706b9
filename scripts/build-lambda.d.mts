/** A zip that was built. */
export interface LambdaZip {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly files: readonly string[];
}
/** The one without grammar, then the one with it. */
export function buildLambda(folder?: string): Promise<readonly [LambdaZip, LambdaZip]>;
