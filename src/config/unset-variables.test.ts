import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseConfig } from './read-config.ts';
import { unsetVariables } from './unset-variables.ts';

const example = fileURLToPath(new URL('../../examples/raxx/pgwitness.yaml', import.meta.url));

async function exampleConfig() {
  const parsed = parseConfig(await readFile(example, 'utf8'), example);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

test('each variable that is not set or empty is told once, with what goes without it', async () => {
  const unset = unsetVariables(await exampleConfig(), {
    RAXX_PROD_OWNER_URL: 'postgres://x',
    RAXX_PROD_APP_URL: ' ',
  });
  expect(unset.map(({ variable }) => variable)).toEqual([
    'RAXX_DRAIN_SECRET',
    'RAXX_PROD_APP_URL',
    'RAXX_PROD_SUPERUSER_URL',
    'RAXX_PROD_DRAIN_URL',
    'RAXX_STAGING_OWNER_URL',
    'RAXX_STAGING_APP_URL',
    'RAXX_STAGING_SUPERUSER_URL',
    'RAXX_STAGING_DRAIN_URL',
  ]);
  expect(unset[0]?.uses).toEqual(['`pgwitness receive` asks drains for it']);
  expect(unset[1]).toEqual({
    variable: 'RAXX_PROD_APP_URL',
    empty: true,
    uses: ['`pgwitness smoke` logs in with it'],
  });
});

test('where all is set nothing is told', async () => {
  const config = await exampleConfig();
  const names = unsetVariables(config, {}).map(({ variable }) => variable);
  expect(unsetVariables(config, Object.fromEntries(names.map((name) => [name, 'x'])))).toEqual([]);
});
