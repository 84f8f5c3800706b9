import { expect, test } from 'vitest';
import { parseKey } from './pseudonymize-key.ts';

const values = (given: string[], ...keys: string[][]) => {
  const parsed = parseKey(given, keys);
  return parsed.ok ? parsed.key : parsed.why;
};

test('a key of one column is taken as it is, or by its name', () => {
  const id = { names: ['id'], values: ['42'] };
  expect(values(['42'], ['id'])).toEqual(id);
  expect(values(['id=42'], ['id'])).toEqual(id);
  expect(values(['a,b'], ['id'])).toEqual({ names: ['id'], values: ['a,b'] });
  expect(values(['x=1'], ['id'])).toEqual({ names: ['id'], values: ['x=1'] });
  expect(values(['id=id=5'], ['id'])).toEqual({ names: ['id'], values: ['id=5'] });
  expect(values([''], ['id'])).toEqual({ names: ['id'], values: [''] });
});

test('a key of several columns is taken in their order, or each by its name', () => {
  const key = { names: ['id', 'region'], values: ['42', 'eu'] };
  expect(values(['42,eu'], ['id', 'region'])).toEqual(key);
  expect(values(['region=eu', 'id=42'], ['id', 'region'])).toEqual(key);
  expect(values(['region=a,b=c', 'id=42'], ['id', 'region'])).toEqual({
    names: ['id', 'region'],
    values: ['42', 'a,b=c'],
  });
  expect(values(['a=b=1', 'a=2'], ['a', 'a=b'])).toEqual({
    names: ['a', 'a=b'],
    values: ['2', '1'],
  });
});

test('a key that the table had before is taken where its columns are named', () => {
  expect(values(['id=42'], ['uuid'], ['id'])).toEqual({ names: ['id'], values: ['42'] });
  expect(values(['42'], ['uuid'], ['id'])).toEqual({ names: ['uuid'], values: ['42'] });
});

test('half a key, one too many and one twice are refused, and no value is quoted', () => {
  for (const given of [['42'], ['42,eu,secret'], ['id=42'], ['id=42', 'id=43'], ['42', 'secret']]) {
    const why = values(given, ['id', 'region']);
    expect(why).toContain(`--key 'id=…' --key 'region=…'`);
    expect(why).not.toMatch(/42|secret/);
  }
});
