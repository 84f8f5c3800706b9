import type { LogRecord } from '../logplex/record.ts';
import type { DigestCheck } from './check-digest.ts';
import { isRaisedBy } from './raised-by.ts';
import { verifyCode } from './witness-key.ts';
import {
  type CapturedStatement,
  type ImageChange,
  parseWitness,
  type Witness,
} from './witness-line.ts';

/** What is to be made of a record that says it is a witness line. */
export type WitnessJudgement =
  /** It has not the form: cut off, or made by another hand. */
  | { readonly verdict: 'malformed' }
  /** No key was at hand. */
  | { readonly verdict: 'unchecked'; readonly witness: Witness }
  /** The code is not what the key makes of the line: some role raised it. */
  | { readonly verdict: 'forged'; readonly witness: Witness }
  /** A true line that another function raised once more: it proves nothing but that. */
  | { readonly verdict: 'repeated'; readonly witness: Witness }
  /** As the capture functions wrote it. `history` is of a captured statement. */
  | { readonly verdict: 'true'; readonly witness: Witness; readonly history?: DigestCheck };

/** What a line is held against. */
export interface WitnessProof {
  readonly key: Uint8Array;
  /** Looks into history. */
  readonly check: (
    witness: CapturedStatement,
    changes?: readonly ImageChange[],
  ) => Promise<DigestCheck>;
  /** What is told of images of this table that were changed, oldest first; asked for where the digest is another. */
  readonly changesOf: (witness: CapturedStatement) => Promise<readonly ImageChange[]>;
}

/** The part of a record that a judgement rests on. */
export type WitnessRecord = Pick<LogRecord, 'audit' | 'message' | 'context'>;

/** Judges a record of kind `witness`; without `proof` by its form alone. */
export async function judgeWitness(
  record: WitnessRecord,
  proof?: WitnessProof,
): Promise<WitnessJudgement> {
  const witness = parseWitness(record);
  if (witness === undefined) return { verdict: 'malformed' };
  if (proof === undefined) return { verdict: 'unchecked', witness };
  if (!verifyCode(witness, proof.key)) return { verdict: 'forged', witness };
  if (isRaisedBy(record, witness) === false) return { verdict: 'repeated', witness };
  if (witness.kind !== 'captured') return { verdict: 'true', witness };
  const asItIs = await proof.check(witness);
  if (asItIs.kind !== 'altered') return { verdict: 'true', witness, history: asItIs };
  const history = await proof.check(witness, await proof.changesOf(witness));
  return { verdict: 'true', witness, history };
}
