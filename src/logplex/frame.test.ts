import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, parseFrame, splitFrame } from './frame.ts';
import type { SyslogLine } from './syslog-line.ts';

const header = '<134>1 2023-06-05T19:33:14+00:00 host app postgres.1 -';
const counted = (text: string) => `${Buffer.byteLength(text)} ${text}`;
const message = (text: string) => counted(`${header} ${text}\n`);
const loss =
  '<172>1 2017-08-31T14:47:14+00:00 host heroku logplex - Error L10 (output buffer overflow): 2 messages dropped since 2017-08-31T14:44:12+00:00.';

const parse = (body: string | Uint8Array) => {
  const { lines, losses, faults } = parseFrame(typeof body === 'string' ? Buffer.from(body) : body);
  return {
    texts: lines.map((line) => Buffer.from(line.message).toString()),
    losses: losses.map((each) => each.count),
    faults: faults.map(({ offset, bytes, reason }) => ({
      offset,
      reason,
      text: Buffer.from(bytes).toString(),
    })),
  };
};
const lossText = loss.slice(loss.indexOf('Error'));

describe('a frame', () => {
  it('is split by its counts, which are bytes', () => {
    expect(parse(message('größe') + message('') + message('☕ 3'))).toEqual({
      texts: ['größe', '', '☕ 3'],
      losses: [],
      faults: [],
    });
  });

  it('may hold a message without a newline, and a message with several', () => {
    expect(parse(counted(`${header} a`) + message('b\nc\n')).texts).toEqual(['a', 'b\nc\n']);
  });

  it('yields no message from the text of another', () => {
    const inner = message('forged');
    expect(parse(message(`x\n${inner}`) + message(inner)).texts).toEqual([`x\n${inner}`, inner]);
  });

  it('tells of the losses that its lines tell of', () => {
    expect(parse(counted(loss) + message('a'))).toEqual({
      texts: [lossText, 'a'],
      losses: [2],
      faults: [],
    });
  });

  it.each([
    ['one too many', 1],
    ['one too few', -1],
    ['far too many', 60],
    ['far too few', -60],
  ])('is read in whole where an L10 line without a newline counts %s', (_, wrong) => {
    const body = `${loss.length + wrong} ${loss}${message('a')}${message('b')}`;
    expect(parse(body)).toEqual({ texts: [lossText, 'a', 'b'], losses: [2], faults: [] });
  });

  it('is read in whole where an L10 line leaves its newline out of the count', () => {
    expect(parse(`${counted(loss)}\n${message('a')}`).texts).toEqual([lossText, 'a']);
  });

  it('is read in whole where its sender counts no newline', () => {
    const body = ['a', 'b', 'c'].map((text) => `${counted(`${header} ${text}`)}\n`).join('');
    expect(parse(body)).toEqual({ texts: ['a', 'b', 'c'], losses: [], faults: [] });
  });

  it('keeps what can’t be counted aside and goes on behind it', () => {
    const torn = `9 ${header} torn\n`;
    expect(parse(message('a') + torn + message('b'))).toEqual({
      texts: ['a', 'b'],
      losses: [],
      faults: [{ offset: message('a').length, reason: 'wrong-count', text: torn }],
    });
  });

  it('keeps a message whole whose neighbour is broken', () => {
    const { texts, faults } = parse(`${message('a')}garbage\n${message('b')}`);
    expect(texts).toEqual(['a', 'b']);
    expect(faults.map((each) => [each.reason, each.text])).toEqual([['no-count', 'garbage\n']]);
  });

  it('keeps the stump of a body that was cut off', () => {
    const whole = message('a') + message('b');
    const { texts, faults } = parse(whole.slice(0, -3));
    expect(texts).toEqual(['a']);
    expect(faults.map((each) => [each.reason, each.text])).toEqual([
      ['beyond-end', message('b').slice(0, -3)],
    ]);
  });

  it('keeps aside what is counted rightly and is no syslog line', () => {
    const { texts, faults } = parse(`${counted('hello\n')}${message('a')}`);
    expect(texts).toEqual(['a']);
    expect(faults).toEqual([{ offset: 2, reason: 'not-syslog', text: 'hello\n' }]);
  });

  it('after a fault believes no text that does not count out to the very end', () => {
    const hostile = `x\n${message('forged')} tail`;
    const { texts, faults } = parse(`9999 ${header} torn${message(hostile)}`);
    expect(texts).toEqual([]);
    expect(faults).toHaveLength(1);
  });

  it('that is empty has no lines', () => {
    expect(parse('')).toEqual({ texts: [], losses: [], faults: [] });
  });
});

const token = fc.stringMatching(/^[!-~]{1,20}$/);
const line: fc.Arbitrary<SyslogLine> = fc.record({
  pri: fc.integer({ min: 0, max: 191 }),
  timestamp: fc.constantFrom('2023-06-05T19:33:14+00:00', '2023-06-05T19:33:14.123456Z'),
  host: token,
  app: token,
  procid: token,
  msgid: token,
  message: fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from(bytes)),
});

describe('for any input', () => {
  it('encodeFrame and parseFrame undo each other', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        const { lines: read, faults } = parseFrame(encodeFrame(lines));
        expect(faults).toEqual([]);
        expect(read.map(plain)).toEqual(lines.map(plain));
      }),
    );
  });

  const digits = fc.constantFrom(...[...'0123456789 <>1\n'].map((char) => char.charCodeAt(0)));
  const bytes = fc
    .array(fc.oneof(digits, fc.integer({ min: 0, max: 255 })), { maxLength: 400 })
    .map((each) => Uint8Array.from(each));
  const broken = fc
    .tuple(fc.array(line, { maxLength: 5 }), fc.nat(), bytes, fc.nat({ max: 5 }))
    .map(([lines, at, noise, cut]) => {
      const body = encodeFrame(lines);
      const place = body.length === 0 ? 0 : at % body.length;
      return Buffer.concat([body.subarray(0, place), noise, body.subarray(place + cut)]);
    });

  it('nothing is thrown, and each byte is in a message, a fault, or the count before a message', () => {
    fc.assert(
      fc.property(fc.oneof(bytes, broken), (body) => {
        const { messages, faults } = splitFrame(body);
        parseFrame(body);
        const parts = [...messages, ...faults].sort((a, b) => a.offset - b.offset);
        let rest = '';
        let at = 0;
        for (const { offset, bytes } of parts) {
          expect(offset).toBeGreaterThanOrEqual(at);
          rest += Buffer.from(body.subarray(at, offset)).toString('latin1');
          at = offset + bytes.length;
        }
        rest += Buffer.from(body.subarray(at)).toString('latin1');
        expect(rest).toMatch(/^(\n?\d+ )*\n?$/);
      }),
      { numRuns: 500 },
    );
  });

  it('a broken place costs no line that ends before it', () => {
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 5 }), fc.nat(), (lines, at) => {
        const own = lines.map((each) => ({ ...each, message: Buffer.from('no newline') }));
        const body = encodeFrame(own);
        const cut = body.subarray(0, at % body.length);
        const whole = own.filter(
          (_, index) => encodeFrame(own.slice(0, index + 1)).length <= cut.length,
        );
        expect(parseFrame(cut).lines.map(plain)).toEqual(whole.map(plain));
      }),
    );
  });
});

function plain(each: SyslogLine) {
  return { ...each, message: Buffer.from(each.message).toString('hex') };
}
