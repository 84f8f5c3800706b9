import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseCutObject } from './cut-json.ts';

it('tells of an object cut anywhere each field that is whole, and the beginning of the last', () => {
  const object = fc.dictionary(
    fc.stringMatching(/^[a-z_]{1,8}$/).filter((name) => name !== '__proto__'),
    fc.oneof(fc.string({ unit: 'binary' }), fc.nat()),
    { maxKeys: 6 },
  );
  fc.assert(
    fc.property(object, fc.nat(1_000), (fields, dice) => {
      const text = JSON.stringify(fields);
      const told = parseCutObject(text.slice(0, dice % (text.length + 1)));
      const all = Object.entries(fields);
      for (const [index, [name, value]] of Object.entries(told).entries()) {
        expect(all.map(([each]) => each)).toContain(name);
        const last = index === Object.keys(told).length - 1;
        if (last && typeof value === 'string')
          expect(String(fields[name]).startsWith(value)).toBe(true);
        else expect(value).toBe(fields[name]);
      }
      expect(parseCutObject(text)).toEqual(fields);
    }),
  );
});

it('takes the first of two fields of one name, and nothing of what is no flat object', () => {
  expect(parseCutObject('{"user":"a","user":"b","ps":{"x":1},"dbname":"d"}')).toEqual({
    user: 'a',
  });
  expect(parseCutObject('no json')).toEqual({});
});
