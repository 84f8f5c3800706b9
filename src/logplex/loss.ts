import type { LossFact } from './record.ts';
import { parseSyslogLine, type SyslogLine } from './syslog-line.ts';

/** local5.warning (21 * 8 + 4): log-shuttle's own words. Dynos write as local7. */
const shuttlePriority = 172;
/** Longer than any loss line; bounds the work on a line that is none. */
const longest = 512;

const time = String.raw`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)`;
/** `- ` stands for STRUCTURED-DATA, which Logplex leaves out of most lines and not of all. */
const sentence = new RegExp(
  String.raw`^(?:- )?Error (?<code>L1[0-3])(?: \([A-Za-z ]+\))?(?::| ->) (?:This tail session dropped |drain '[^'\n]{0,80}' dropped )?(?<count>\d{1,15}) messages?(?: dropped| lost)? since (?<since>${time})\.?`,
);

/**
 * The loss that a line tells of, or undefined. L10 and L11 are Logplex's own (`heroku logplex`),
 * L12 and L13 log-shuttle's (PROCID `log-shuttle`, local5.warning). An application that prints the
 * same words is not believed.
 */
export function parseLoss(line: SyslogLine): LossFact | undefined {
  const match = matchLoss(line);
  if (match === undefined || match[0].length !== line.message.length) return undefined;
  const { code, count, since } = match.groups as Record<'code' | 'count' | 'since', string>;
  return { code: code as LossFact['code'], count: Number(count), since };
}

/**
 * How many bytes a loss line at the beginning of `bytes` has, newline not counted, told by its
 * grammar alone: what follows an L10 line without a newline is the next message's count.
 */
export function lossSentenceLength(bytes: Uint8Array): number | undefined {
  const line = parseSyslogLine(bytes);
  if (line === undefined) return undefined;
  const match = matchLoss(line);
  if (match === undefined) return undefined;
  return line.message.byteOffset - bytes.byteOffset + match[0].length;
}

function matchLoss(line: SyslogLine): RegExpExecArray | undefined {
  const fromLogplex = line.app === 'heroku' && line.procid === 'logplex';
  const fromShuttle = line.procid === 'log-shuttle' && line.pri === shuttlePriority;
  if (!fromLogplex && !fromShuttle) return undefined;
  const { buffer, byteOffset, length } = line.message;
  const text = Buffer.from(buffer, byteOffset, Math.min(length, longest)).toString('latin1');
  const match = sentence.exec(text);
  if (match === null) return undefined;
  const transport = match.groups?.['code'] === 'L10' || match.groups?.['code'] === 'L11';
  return transport === fromLogplex ? match : undefined;
}
