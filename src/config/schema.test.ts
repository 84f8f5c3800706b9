import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { configJsonSchema, type JsonSchema } from './schema.ts';

test('docs/pgwitness.schema.json is what `pgwitness config schema` prints', async () => {
  const committed = new URL('../../docs/pgwitness.schema.json', import.meta.url);
  expect(JSON.parse(await readFile(committed, 'utf8'))).toEqual(
    JSON.parse(JSON.stringify(configJsonSchema())),
  );
});

test('an editor can show what every key means', () => {
  const silent: string[] = [];
  const walk = (schema: JsonSchema, at: string) => {
    for (const [key, below] of Object.entries(schema.properties ?? {})) {
      // `table` stands below a key that says what it is for.
      if (below.description === undefined && key !== 'table') silent.push(`${at}.${key}`);
      walk(below, `${at}.${key}`);
    }
    for (const kind of schema.anyOf ?? []) walk(kind, at);
    if (schema.items !== undefined) walk(schema.items, `${at}[]`);
    if (typeof schema.additionalProperties === 'object') {
      walk(schema.additionalProperties, `${at}.*`);
    }
  };
  walk(configJsonSchema(), '');
  expect(silent).toEqual([]);
});
