/** What the receiver asks of a prefix's redactor. */
export interface Redactor {
  /** The body with its personal data replaced; the same at every retry. */
  redact(body: Uint8Array): Promise<Uint8Array>;
  /** Stands for a body of so many bytes that can't be redacted. */
  placeholder(bytes: number): Uint8Array;
  token(value: string): string;
  /** Keyed: of text that is known but for one value, a plain digest would tell that value. */
  digest(...parts: (string | Uint8Array)[]): string;
}
