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
