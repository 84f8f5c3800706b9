import { describe, inject, it } from 'vitest';
import { captureGolden } from './rig/capture-golden.ts';
import { goldenCaptures, writeGolden } from './rig/golden-files.ts';
import { expectSameAsJson, expectTruth } from './rig/golden-truth.ts';
import { syslogObstacle } from './rig/syslog-socket.ts';

// The golden files are what real servers sent. This asks the servers of today again; with
// GOLDEN=write it also replaces the files.
const obstacle = syslogObstacle();
const skip = obstacle !== undefined && process.env['CI'] !== 'true';
if (skip) console.warn(`No live capture of syslog: ${obstacle}.`);

describe.skipIf(skip)('a server that logs to syslog', () => {
  const capture = async (postgres: 15 | 18, binaries?: string) => {
    const wanted = goldenCaptures.filter((each) => each.postgres === postgres);
    const runs = await captureGolden({
      ...(binaries === undefined ? {} : { binaries }),
      prefixes: wanted.map((each) => each.prefix),
    });
    for (const [index, run] of runs.entries()) {
      const name = wanted[index]?.name ?? '';
      if (process.env['GOLDEN'] === 'write') writeGolden(name, run);
      expectTruth(run);
      if (run.prefix === 'session') expectSameAsJson(run.frame, run.json);
    }
  };

  it('is read to the byte under each of Heroku’s prefixes', () => capture(18));

  it.skipIf(!inject('postgres15'))('is read to the byte with pgaudit’s lines among the rest', () =>
    capture(15, inject('postgres15')),
  );
});
