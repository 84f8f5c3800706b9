import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

test.skipIf(!existsSync('/dev/full'))(
  'an output that can not be written is one sentence and exit 1',
  () => {
    const run = spawnSync(
      '/bin/sh',
      ['-c', '"$0" "$1" version > /dev/full', process.execPath, main],
      {
        encoding: 'utf8',
      },
    );
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/^error The output could not be written \(ENOSPC\)/);
    expect(run.stderr).not.toContain('    at ');
  },
);
