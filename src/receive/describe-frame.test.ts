import { expect, test } from 'vitest';
import { line } from '../../test/rig/drain.ts';
import { encodeFrame } from '../logplex/frame.ts';
import { describeFrame } from './describe-frame.ts';

test('while a frame of very many lines is looked through, the event loop goes on', async () => {
  const tiny = encodeFrame([line('', { host: 'h', app: 'a', procid: 'p' })]);
  const body = Buffer.alloc(tiny.length * 200_000, tiny);
  let turns = 0;
  let done = false;
  const count = () => {
    turns += 1;
    if (!done) setImmediate(count);
  };
  setImmediate(count);
  const frame = await describeFrame(() => null, { body }, Date.now());
  done = true;
  expect(frame.facts).toMatchObject({ lines: 200_000, faults: 0 });
  expect(turns).toBeGreaterThan(3);
});
