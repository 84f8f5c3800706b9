/** What the load process is asked to do. Times in seconds, rates per second. */
export type LoadJob = {
  readonly port: number;
  readonly seconds: number;
  readonly seed: number;
} & (
  | {
      /** Each sender posts its next frame as soon as the last is answered. */
      readonly kind: 'saturate';
      readonly senders: number;
      readonly frameBytes: number;
      readonly ids: boolean;
      /** Before what counts begins: the server's code gets warm, and its connections open. */
      readonly warmSeconds: number;
    }
  | {
      /** Frames fall due at random moments (Poisson), spread over senders that keep them in line. */
      readonly kind: 'paced';
      readonly senders: number;
      readonly frameBytes: number;
      readonly framesPerSecond: number;
      readonly warmSeconds: number;
    }
  | {
      /** Frames fall due at even distances and wait for nobody: each takes an idle sender or a new one. */
      readonly kind: 'flood';
      readonly mostSenders: number;
      readonly frameBytes: number;
      readonly framesPerSecond: number;
    }
  | {
      /** One drain of Logplex with its buffer, fed with lines. */
      readonly kind: 'drain';
      readonly linesPerSecond: number;
      /** Added to each request: the way there and back. */
      readonly rttMs: number;
    }
);

/** A frame that was answered 200. */
export interface Acknowledged {
  /** Undefined for a sender without ids. */
  readonly id?: string | undefined;
  /** sha256, in hex, of its body. */
  readonly digest: string;
}

/** What came of a job, in its measured time. */
export interface LoadResult {
  readonly seconds: number;
  readonly frames: number;
  readonly lines: number;
  readonly bytes: number;
  /** From a request's first byte to its answer, of those that were answered 200, ascending. */
  readonly answerMs: readonly number[];
  /** Requests by status, 0 for those without an answer; warm-up included. */
  readonly statuses: Readonly<Record<number, number>>;
  /** How late the load process itself sent what was due, at the 99th percentile; 0 where nothing is ever due. */
  readonly lateMs: number;
  /** Of the load process. */
  readonly cpuSeconds: number;
  /** Lines that the drain's buffer dropped. */
  readonly dropped: number;
  /** All that were answered 200, those outside of the measured time too. */
  readonly acknowledged: readonly Acknowledged[];
}

/** What the load process tells while a job runs. */
export type LoadMessage =
  | { readonly tells: 'ready' }
  /** The measured time begins or ends now. */
  | { readonly tells: 'begin' | 'end' }
  | { readonly tells: 'result'; readonly result: LoadResult };

/** Of ascending values. */
export function quantile(ascending: readonly number[], part: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * part))] ?? 0;
}
