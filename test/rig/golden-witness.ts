import { readFileSync, writeFileSync } from 'node:fs';

const folder = new URL('../golden/', import.meta.url);

/** Runs of the witness workload whose frames are kept, as `<name>.frame`, `.key` and `.due.json`. */
export const goldenWitnesses = [
  'postgres-18-witness-session',
  'postgres-18-witness-essential',
  'postgres-15-witness-session',
] as const;

/** What one line of a run is, and the statement that it carries. */
export interface DueLine {
  readonly tells: string;
  readonly statement?: string | undefined;
}

/** A run of the workload: what the server sent, the key of the database it ran in, and what is due. */
export interface GoldenWitness {
  readonly frame: Uint8Array;
  readonly key: Uint8Array;
  readonly due: readonly DueLine[];
}

export function readGoldenWitness(name: string): GoldenWitness {
  const text = (end: string) => readFileSync(new URL(`${name}.${end}`, folder), 'utf8');
  return {
    frame: readFileSync(new URL(`${name}.frame`, folder)),
    key: Buffer.from(text('key').trim(), 'hex'),
    due: JSON.parse(text('due.json')) as DueLine[],
  };
}

/** Writes a run's files anew: for those who changed the workload, and then read the difference. */
export function writeGoldenWitness(name: string, { frame, key, due }: GoldenWitness): void {
  writeFileSync(new URL(`${name}.frame`, folder), frame);
  writeFileSync(new URL(`${name}.key`, folder), `${Buffer.from(key).toString('hex')}\n`);
  writeFileSync(new URL(`${name}.due.json`, folder), `${JSON.stringify(due, null, 1)}\n`);
}
