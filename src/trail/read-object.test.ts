import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { parseObject } from './read-object.ts';

const line = (text: string) => {
  const message = `<134>1 2026-06-30T12:00:00+00:00 host app postgres.7 - ${text}`;
  return `${message.length} ${message}`;
};

test("members of another program's are one body, however a line is cut between them", () => {
  const text = line('one') + line('two');
  const object = Buffer.concat([gzipSync(text.slice(0, 20)), gzipSync(text.slice(20))]);
  const parts = [...parseObject('k', object)];
  expect(parts).toHaveLength(1);
  expect(parts[0]).toMatchObject({ offset: 0, lines: { length: 2 } });
});

test('a bomb of many members is read in parts, none much larger than a frame', () => {
  const member = gzipSync(Buffer.alloc(30 * 1024 * 1024, line('x'.repeat(60_000))));
  const object = Buffer.concat([member, member, member, member]);
  let frames = 0;
  for (const part of parseObject('k', object)) {
    if (!('body' in part)) continue;
    frames += 1;
    expect(part.body.length).toBeLessThan(100 * 1024 * 1024);
  }
  expect(frames).toBe(2);
});
