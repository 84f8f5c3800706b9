import fc from 'fast-check';
import pg from 'pg';
import { expect, test } from 'vitest';
import { textArray } from './capture-function.ts';
import type { FunctionState, TableState } from './catalogue.ts';
import {
  columnChanges,
  installedForm,
  isAsInstalled,
  partitionChanges,
  unknownColumns,
} from './coverage-form.ts';
import { renderFragment } from './sql-file.ts';

type Columns = readonly (readonly [string, string])[];

/** As format('%L %s') has it. */
function shapeOf(columns: Columns): string {
  return columns.map(([name, type]) => `${pg.escapeLiteral(name).trimStart()} ${type}`).join(', ');
}

function functionOf(columns: Columns, partitions: readonly string[], key: string | null) {
  const source = renderFragment('read-state', {
    schema: 's',
    table: "o'clock",
    shape: shapeOf(columns),
    key_index: key,
    key_definition: key === null ? null : `create unique index ${key}`,
    partitions: textArray(partitions),
    numbers: `{${columns.map((_, at) => at + 1).join(',')}}`,
  });
  return { source } as FunctionState;
}

function tableOf(
  columns: Columns,
  partitions: readonly string[],
  key: string | null,
  numbers = columns.map((_, at) => at + 1),
) {
  return {
    columns: columns.map(([name], at) => ({ name, number: numbers[at] })),
    shape: shapeOf(columns),
    key_index: key,
    key_definition: key === null ? null : `create unique index ${key}`,
    partitions: partitions.map((text) => ({ text })),
  } as unknown as TableState;
}

const word = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => !/\0/.test(text));
const name = fc.oneof(word, fc.constantFrom(`'`, `\\`, `a', 'b`, `') --`, 'é "x"'));
const type = fc.constantFrom(
  'integer',
  'text',
  'timestamp with time zone',
  '"odd, type"',
  'a."b c"[]',
);
const columns = fc.uniqueArray(fc.tuple(name, type), { minLength: 1, selector: ([text]) => text });
const partitions = fc.uniqueArray(name);
const key = fc.option(name);

test('reads from a function what it takes for granted, whatever names are in it', () => {
  fc.assert(
    fc.property(columns, partitions, key, (cols, parts, index) => {
      const form = installedForm(functionOf(cols, parts, index));
      expect(form).toBeDefined();
      if (form === undefined) return;
      expect(form.partitions).toEqual(parts);
      expect(form.key.index).toBe(index);
      expect([...(form.columns ?? [])]).toEqual(cols);
      expect(isAsInstalled(form, tableOf(cols, parts, index))).toBe(true);
    }),
  );
});

test('tells each column and partition that came, went or became another', () => {
  const form = installedForm(
    functionOf(
      [
        ['id', 'integer'],
        ['a', 'text'],
        ['b', 'text'],
      ],
      ['s.p1', 's.p2'],
      's.t_pkey',
    ),
  );
  if (form === undefined) throw new Error('there is a form');
  const now = tableOf(
    [
      ['id', 'bigint'],
      ['b', 'text'],
      ['new', 'text'],
    ],
    ['s.p2', 's.p3'],
    's.t_pkey',
    [1, 3, 4],
  );
  expect(columnChanges(form, now)).toEqual(['new added', 'a dropped', 'id is bigint, was integer']);
  expect(unknownColumns(form, now)).toEqual(['new']);
  expect(partitionChanges(form, now)).toEqual({ added: ['s.p3'], gone: ['s.p1'] });
  expect(isAsInstalled(form, now)).toBe(false);
});

test('a function of any other text has no form', () => {
  expect(installedForm({ source: 'begin return null; end' } as FunctionState)).toBeUndefined();
});
