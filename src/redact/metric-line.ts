import type { SyslogLine } from '../logplex/syslog-line.ts';

const metric =
  /^(?:- )?(?:\[[A-Z0-9_]{1,64}\] )?source=[A-Z0-9_]{1,64} addon=[a-z0-9-]{1,80}(?: sample#[a-z0-9_.-]{1,64}=-?\d{1,20}(?:\.\d{1,20})?(?:bytes|[kMG]B|ms|s|%)?){1,64} ?$/;
const longest = 4_096;
/** local7, the facility of what dynos print. */
const dynoFacility = 23;

/** Whether a line is of Heroku's own measures of a database: names, and numbers that are nobody's data. */
export function isMetricLine(line: SyslogLine): boolean {
  if (line.procid !== 'heroku-postgres' || line.pri >> 3 === dynoFacility) return false;
  const { message } = line;
  return message.length <= longest && metric.test(Buffer.from(message).toString('latin1'));
}
