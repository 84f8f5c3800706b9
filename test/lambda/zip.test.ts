import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { expect, onTestFinished, test } from 'vitest';
import { buildLambda, type LambdaZip } from '../../scripts/build-lambda.mjs';

async function built(): Promise<readonly [LambdaZip, LambdaZip]> {
  const folder = mkdtempSync(join(tmpdir(), 'pgwitness-zips-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return buildLambda(folder);
}

test('the same sources give the same bytes, in any zone', async () => {
  const first = await built();
  const zone = process.env['TZ'];
  process.env['TZ'] = 'Pacific/Kiritimati';
  onTestFinished(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });
  const second = await built();
  expect(second.map(({ sha256 }) => sha256)).toEqual(first.map(({ sha256 }) => sha256));
});

test('the zips are small, and only the one that redacts holds the grammar', async () => {
  const [plain, redacting] = await built();
  expect(plain.bytes).toBeLessThan(600_000);
  expect(redacting.bytes).toBeLessThan(1_200_000);
  const files = (zip: LambdaZip) => Object.keys(unzipSync(readFileSync(zip.path)));
  expect(files(plain)).toEqual(['LICENSES.txt', 'index.mjs']);
  expect(files(redacting)).toEqual([
    'LICENSES.txt',
    'index.mjs',
    'libpg-query.wasm',
    'redactor.mjs',
  ]);
});
