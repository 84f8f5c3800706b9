import { beforeAll, expect, test } from 'vitest';
import { loadSqlGrammar, type SqlGrammar } from './sql-grammar.ts';

let grammar: SqlGrammar;

beforeAll(async () => {
  grammar = await loadSqlGrammar();
});

test('tells statements, the beginning of some, and what is neither', () => {
  for (const sql of ['select 1', '', ';', 'select 1; update t set a = 1', '-- x', 'select']) {
    expect(grammar.parse(sql), sql).toBe('statements');
  }
  for (const sql of ['select 1 from', 'insert into t', 'select (1']) {
    expect(grammar.parse(sql), sql).toBe('beginning');
  }
  for (const sql of ['selec 1', "select 'a", 'select 1)', "select '\0'", 'select 1\0 from t']) {
    expect(grammar.parse(sql), sql).toBe('neither');
  }
});

test('a statement that runs out of stack costs one instance, and no statement after it', async () => {
  expect(grammar.ready()).toBeUndefined();
  expect(grammar.parse(`select 1${'+1'.repeat(200_000)}`)).toBe('neither');
  const wait = grammar.ready();
  expect(wait).toBeDefined();
  await Promise.all([wait, grammar.ready()]);
  expect(grammar.ready()).toBeUndefined();
  expect(grammar.parse('select 1')).toBe('statements');
});

test('memory is freed, of statements that parse and of those that do not', () => {
  const before = process.memoryUsage().rss;
  const long = 'x'.repeat(50_000);
  for (let round = 0; round < 2_000; round += 1) {
    grammar.parse(`select '${long}'`);
    grammar.parse(`select '${long}' frm a b c`);
  }
  // Kept, they would take 200 MB or more.
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
});
