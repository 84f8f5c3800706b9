/** One octet-counted message of a Logplex frame, its header parsed and its text left as bytes. */
export interface SyslogLine {
  /** RFC 5424 priority: facility * 8 + severity. */
  readonly pri: number;
  /** The timestamp as received, e.g. `2023-06-05T19:33:14+00:00` or with fractional seconds. */
  readonly timestamp: string;
  readonly host: string;
  readonly app: string;
  readonly procid: string;
  readonly msgid: string;
  /** The MSG part without a trailing newline. */
  readonly message: Uint8Array;
}

const newline = 0x0a;
const space = 0x20;
/** Beyond this no sender's header goes; it bounds the work on a hostile line. */
const longestHeader = 1_024;
const header =
  /^<(\d{1,3})>1 (\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)) (\S+) (\S+) (\S+) (\S+)(?: |$)/;

/**
 * `<pri>1 TS HOST APP PROCID MSGID MSG`: RFC 5424 as Logplex writes it, without STRUCTURED-DATA
 * and without the nil that would stand for it (what MSG begins with is MSG). One trailing newline
 * belongs to the framing. Undefined where the bytes are no such line.
 */
export function parseSyslogLine(bytes: Uint8Array): SyslogLine | undefined {
  const end = bytes.at(-1) === newline ? bytes.length - 1 : bytes.length;
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(end, longestHeader));
  // One character a byte, so that the match's length is an offset into the bytes.
  const match = header.exec(head.toString('latin1'));
  if (match === null) return undefined;
  const [whole, pri, timestamp, host, app, procid, msgid] = match as unknown as string[];
  if (Number(pri) > 191 || Number.isNaN(Date.parse(timestamp ?? ''))) return undefined;
  return {
    pri: Number(pri),
    timestamp: timestamp ?? '',
    host: host ?? '',
    app: app ?? '',
    procid: procid ?? '',
    msgid: msgid ?? '',
    message: bytes.subarray((whole ?? '').length, end),
  };
}

/** The bytes that `parseSyslogLine` reads back to the same line, with the newline Logplex puts after each. */
export function formatSyslogLine(line: SyslogLine): Uint8Array {
  const head = `<${line.pri}>1 ${line.timestamp} ${line.host} ${line.app} ${line.procid} ${line.msgid}`;
  return Buffer.concat([
    Buffer.from(head, 'latin1'),
    Uint8Array.of(space),
    line.message,
    Uint8Array.of(newline),
  ]);
}
