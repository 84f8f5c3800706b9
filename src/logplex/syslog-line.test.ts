import { describe, expect, it } from 'vitest';
import { formatSyslogLine, parseSyslogLine } from './syslog-line.ts';

const parse = (text: string) => parseSyslogLine(Buffer.from(text));

describe('parseSyslogLine', () => {
  it('reads a Heroku Postgres line, and takes what follows MSGID as the message', () => {
    const line = parse(
      '<134>1 2023-06-05T19:33:14+00:00 host app postgres.1105947 - [YELLOW] [1-1] x\n',
    );
    expect({ ...line, message: Buffer.from(line?.message ?? []).toString() }).toEqual({
      pri: 134,
      timestamp: '2023-06-05T19:33:14+00:00',
      host: 'host',
      app: 'app',
      procid: 'postgres.1105947',
      msgid: '-',
      message: '[YELLOW] [1-1] x',
    });
  });

  it('reads a message that is empty, with and without the blank before it', () => {
    const header = '<45>1 2023-06-05T19:33:14.123456Z host heroku web.1 -';
    expect(parse(header)?.message).toHaveLength(0);
    expect(parse(`${header} \n`)?.message).toHaveLength(0);
  });

  it('keeps a nil that stands for structured data in the message', () => {
    const line = parse('<172>1 2013-04-17T19:04:46+00:00 d.1-2 heroku logplex - - Error L10');
    expect(Buffer.from(line?.message ?? []).toString()).toBe('- Error L10');
  });

  it.each([
    ['no priority', '1 2023-06-05T19:33:14Z host app web.1 - x'],
    ['a priority beyond 191', '<192>1 2023-06-05T19:33:14Z host app web.1 - x'],
    ['another version', '<134>2 2023-06-05T19:33:14Z host app web.1 - x'],
    ['no time', '<134>1 - host app web.1 - x'],
    ['a time that is none', '<134>1 2023-13-45T19:33:14Z host app web.1 - x'],
    ['too few fields', '<134>1 2023-06-05T19:33:14Z host app'],
    ['a header without end', `<134>1 2023-06-05T19:33:14Z ${'h'.repeat(5_000)} app web.1 - x`],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(parse(text)).toBeUndefined();
  });

  it('keeps bytes that are no UTF-8, in the message and in the header', () => {
    const bytes = Buffer.concat([
      Buffer.from('<134>1 2023-06-05T19:33:14Z h'),
      Buffer.from([0xff]),
      Buffer.from(' app web.1 - '),
      Buffer.from([0xc3, 0x0a, 0x80, 0x0a]),
    ]);
    const line = parseSyslogLine(bytes);
    expect(line && Buffer.from(formatSyslogLine(line))).toEqual(bytes);
  });
});
