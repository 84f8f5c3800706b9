import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseAuditFields } from './audit-fields.ts';

it.each([
  [
    'SESSION,1,1,WRITE,INSERT,TABLE,public.t,"insert into t\n values (""a"", 1)",<none>',
    [
      'SESSION',
      '1',
      '1',
      'WRITE',
      'INSERT',
      'TABLE',
      'public.t',
      'insert into t\n values ("a", 1)',
      '<none>',
    ],
  ],
  ['OBJECT,,', ['OBJECT', '', '']],
  ['', ['']],
  ['"",x', ['', 'x']],
])('reads %j', (text, fields) => {
  expect(parseAuditFields(text)).toEqual(fields);
});

it.each(['SESSION,"open', 'SESSION,"closed"x,1', '"""'])('takes %j for cut off', (text) => {
  expect(parseAuditFields(text)).toBeUndefined();
});

it('reads back what pgaudit quotes, whatever the field holds', () => {
  const quote = (field: string) =>
    /[",\n\r]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom('"', ',', '\n', 'a', 'é') }), { minLength: 1 }),
      (fields) => {
        expect(parseAuditFields(fields.map(quote).join(','))).toEqual(fields);
      },
    ),
  );
});
