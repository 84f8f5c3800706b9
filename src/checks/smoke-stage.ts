/** One stage of the smoke test, once it is over. */
export interface SmokeStage {
  readonly id: 'write' | 'archive' | 'history' | 'clean';
  /** What is done, e.g. `write the tracer as raptor_app`. */
  readonly title: string;
  readonly ok: boolean;
  /** How long it took. */
  readonly ms: number;
  /** What was seen, in a few words. */
  readonly evidence: string;
  /** Where it failed: what that means and what to do next. */
  readonly failure?: SmokeFailure;
}

/** Ways in which a trail breaks, and where; D, retention, shows only over time. */
export const failureModes = { A: 'drain', B: 'log_statement', C: 'trigger' } as const;

export interface SmokeFailure {
  /** Absent where it is none of them. */
  readonly mode?: keyof typeof failureModes;
  readonly meaning: string;
  readonly next: string;
}

/** What a stage found out. */
export type Outcome<Found> =
  | { readonly ok: true; readonly evidence: string; readonly found: Found }
  | { readonly ok: false; readonly evidence: string; readonly failure: SmokeFailure };

/** An outcome that went wrong. */
export function failed(evidence: string, failure: SmokeFailure): Outcome<never> {
  return { ok: false, evidence, failure };
}
