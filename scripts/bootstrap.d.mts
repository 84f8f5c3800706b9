/** The repository's folder. */
export const root: string;
export function runStep(
  title: string,
  command: string,
  args: readonly string[],
  options?: object,
): void;
export function ensureInstalled(): void;
export function ensureBuilt(): void;
