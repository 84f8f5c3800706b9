import { describe, expect, it } from 'vitest';
import { goldenCaptures, readGolden } from '../../test/rig/golden-files.ts';
import { expectSameAsJson, expectTruth, recordsOf } from '../../test/rig/golden-truth.ts';
import { parseFrame } from './frame.ts';

describe.each(goldenCaptures)('$name, captured from a real server', ({ name, prefix }) => {
  const golden = readGolden(name);

  it('gives each statement as it was sent, and none that was not', () => {
    expectTruth({ prefix, sent: golden.sent, frame: golden.frame });
  });

  it('gives the records that were reviewed', () => {
    expect(recordsOf(parseFrame(golden.frame).lines)).toEqual(golden.records);
  });
});

const withJson = goldenCaptures.filter((each) => each.prefix === 'session');
it.each(withJson)('$name is read from syslog as the server wrote it to jsonlog', ({ name }) => {
  const { frame, json } = readGolden(name);
  expectSameAsJson(frame, json ?? new Uint8Array());
});
