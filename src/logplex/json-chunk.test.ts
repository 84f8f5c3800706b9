import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatJsonChunk, parseJsonChunk, splitJsonLine } from './json-chunk.ts';

const chunk = (text: string) => parseJsonChunk(Buffer.from(text));

describe('splitJsonLine', () => {
  it('leaves a JSON line that fits as it is, without its newline', () => {
    const line = Buffer.from('{"message":"x"}\n');
    expect(splitJsonLine(line, 256, 'file:0').map(String)).toEqual(
      ['{"message":"x"}'].map(String).map((text) => String(Buffer.from(text))),
    );
  });

  it('names a long line by its own session and number in each chunk', () => {
    const line = JSON.stringify({ session_id: '6b0.2c', line_num: 7, message: 'm'.repeat(1_000) });
    const chunks = splitJsonLine(Buffer.from(line), 256, 'file:0');
    expect(chunks.every((each) => each.length <= 256)).toBe(true);
    expect(chunks.map((each) => parseJsonChunk(each)?.id)).toEqual(chunks.map(() => '6b0.2c:7'));
  });

  it('names by the caller what has no session, and wraps what is no object however short', () => {
    expect(
      parseJsonChunk(splitJsonLine(Buffer.from('[json x 1/1] y'), 256, 'f:9')[0] as Uint8Array),
    ).toEqual({
      id: 'f:9',
      index: 1,
      total: 1,
      bytes: Buffer.from('[json x 1/1] y'),
    });
    const long = Buffer.from(
      `{"session_id":"not fit for an id","line_num":1,"m":"${'m'.repeat(400)}"}`,
    );
    expect(splitJsonLine(long, 256, 'f:9').map((each) => parseJsonChunk(each)?.id)).toContain(
      'f:9',
    );
  });

  it('refuses an id that a chunk can’t carry, and chunks too small for their head', () => {
    expect(() => splitJsonLine(Buffer.from('no object'), 256, 'a b')).toThrow(RangeError);
    expect(() => splitJsonLine(Buffer.from('{}'), 100, 'a')).toThrow(RangeError);
  });

  it('loses no byte, wherever the cuts fall', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 3_000 }),
        fc.integer({ min: 256, max: 900 }),
        (bytes, most) => {
          const chunks = splitJsonLine(Buffer.concat([bytes, Buffer.from('\n')]), most, 'f:1');
          expect(Math.max(...chunks.map((each) => each.length))).toBeLessThanOrEqual(most);
          const parts = chunks.map((each) => parseJsonChunk(each)?.bytes ?? each);
          expect(Buffer.concat(parts).equals(Buffer.from(bytes))).toBe(true);
        },
      ),
    );
  });
});

describe('parseJsonChunk', () => {
  it('reads what formatJsonChunk writes', () => {
    const given = { id: 'a.b:1', index: 3, total: 12, bytes: Buffer.from(' x] [json') };
    expect(parseJsonChunk(formatJsonChunk(given))).toEqual(given);
  });

  it.each([
    '[json a 2/1] x',
    '[json a 0/1] x',
    '[json a b 1/1] x',
    '[json a 1/1]x',
    ' [json a 1/1] x',
    '{}',
    '',
  ])('takes %j for no chunk', (text) => {
    expect(chunk(text)).toBeUndefined();
  });
});
