/** One chunk of a Postgres message sent by syslog: `[COLOR] [N-M] <bytes>`. */
export interface PostgresChunk {
  /** The add-on's colour or attachment name, `DATABASE`; '' where the line has none. */
  readonly colour: string;
  /** N: counted by each process, from where the postmaster was when it made the process. */
  readonly number: number;
  /** M, from 1. */
  readonly index: number;
  /** What Postgres gave to syslog, less what a transport trimmed off its end. */
  readonly bytes: Uint8Array;
}

const head = /^(?:- )?(?:\[([A-Z0-9_]{1,64})\] )?\[(\d{1,15})(?:-([1-9]\d{0,8}))?\](?: |$)/;
const longestHead = 128;

/** The chunk that a MSG is, or undefined where it is none. */
export function parsePostgresChunk(message: Uint8Array): PostgresChunk | undefined {
  const start = Buffer.from(
    message.buffer,
    message.byteOffset,
    Math.min(message.length, longestHead),
  );
  const match = head.exec(start.toString('latin1'));
  if (match === null) return undefined;
  return {
    colour: match[1] ?? '',
    number: Number(match[2]),
    index: Number(match[3] ?? 1),
    bytes: message.subarray(match[0].length),
  };
}
