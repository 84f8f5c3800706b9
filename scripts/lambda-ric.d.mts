export const lambdaRicPackages: readonly string[];
export function missingRicPrograms(env?: NodeJS.ProcessEnv): string[];
export function lambdaRicPath(env?: NodeJS.ProcessEnv): string;
export function ensureLambdaRic(env?: NodeJS.ProcessEnv): Promise<string>;
