import type { SyslogLine } from '../logplex/syslog-line.ts';
import type { Loss } from './state.ts';

/** local5.warning, under which log-shuttle tells of its losses. */
const lossPriority = 172;

/**
 * The lines that tell of a loss: log-shuttle's L13, which every reader of Logplex frames knows, and one
 * that says what happened. The count is the least that it can be: nobody counted what was deleted unread.
 */
export function lossLines(loss: Loss): SyslogLine[] {
  const line = (procid: string, text: string): SyslogLine => ({
    pri: lossPriority,
    timestamp: loss.noticed,
    host: 'host',
    app: 'app',
    procid,
    msgid: '-',
    message: Buffer.from(text),
  });
  return [
    line('log-shuttle', `Error L13: ${loss.count} messages lost since ${loss.since}`),
    line(
      'pgwitness-ship',
      `at least ${loss.count} messages lost, the number is not known: ${loss.reason} before all of it was sent`,
    ),
  ];
}
