/** Something in the archive that could not be read, or that contradicts itself. */
export interface TrailFinding {
  readonly code:
    | 'object-unreadable'
    | 'object-corrupt'
    | 'frame-unreadable'
    | 'frame-contradicts'
    | 'record-incomplete';
  /** Key of the object. */
  readonly object: string;
  /** Where in the object the gzip member begins. */
  readonly offset?: number;
  /** What is wrong there, and what it means for the answer. */
  readonly sentence: string;
}
