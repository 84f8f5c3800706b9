import { describe, expect, it } from 'vitest';
import { parseLoss } from './loss.ts';
import { parseSyslogLine, type SyslogLine } from './syslog-line.ts';

const line = (text: string) => parseSyslogLine(Buffer.from(text)) as SyslogLine;
const loss = (text: string) => parseLoss(line(text));
const logplex = '<172>1 2023-02-11T20:46:52.398833+00:00 host heroku logplex -';
const shuttle = '<172>1 2013-11-04T21:31:32.125756+00:00 heroku token log-shuttle -';

describe('parseLoss', () => {
  it.each([
    [
      `${logplex} Error L10 (output buffer overflow): 13 messages dropped since 2023-02-11T20:46:37.307999+00:00.`,
      { code: 'L10', count: 13, since: '2023-02-11T20:46:37.307999+00:00' },
    ],
    [
      `${logplex} - Error L10 (output buffer overflow): 1 message dropped since 2013-04-17T19:04:46+00:00.\n`,
      { code: 'L10', count: 1, since: '2013-04-17T19:04:46+00:00' },
    ],
    [
      `${logplex} Error L10 (output buffer overflow): drain 'd.cfcd3264-7259' dropped 7 messages since 2020-06-12T14:40:59.280571+00:00.`,
      { code: 'L10', count: 7, since: '2020-06-12T14:40:59.280571+00:00' },
    ],
    [
      `${logplex} Error L11 (Tail buffer overflow) -> This tail session dropped 1101 messages since 2013-04-17T19:04:46+00:00.`,
      { code: 'L11', count: 1101, since: '2013-04-17T19:04:46+00:00' },
    ],
    [
      `${shuttle} - Error L12: 222 messages dropped since 2013-11-04T21:31:32.125756+00:00.`,
      { code: 'L12', count: 222, since: '2013-11-04T21:31:32.125756+00:00' },
    ],
    [
      `${shuttle} - Error L13: 111 messages lost since 2013-11-04T21:31:32.125756+00:00`,
      { code: 'L13', count: 111, since: '2013-11-04T21:31:32.125756+00:00' },
    ],
  ])('reads %s', (text, expected) => {
    expect(loss(text)).toEqual(expected);
  });

  it('does not believe an application that prints the same words', () => {
    const words = 'messages dropped since 2013-11-04T21:31:32+00:00.';
    const dyno = '<190>1 2013-11-04T21:31:32+00:00 host app';
    expect(loss(`${dyno} web.1 - Error L10 (output buffer overflow): 5 ${words}`)).toBeUndefined();
    expect(loss(`${dyno} log-shuttle - Error L12: 5 ${words}`)).toBeUndefined();
    expect(loss(`${logplex} Error L12: 5 ${words}`)).toBeUndefined();
    expect(loss(`${shuttle} Error L10 (output buffer overflow): 5 ${words}`)).toBeUndefined();
  });

  it('takes no line with more to it for a loss', () => {
    const text = `${logplex} Error L10 (output buffer overflow): 1 messages dropped since 2013-04-17T19:04:46+00:00`;
    expect(loss(`${text}. And more`)).toBeUndefined();
    expect(loss(`${logplex} Error L14 (certificate): none`)).toBeUndefined();
  });
});
