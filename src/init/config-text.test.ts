import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseConfig } from '../config/read-config.ts';
import { configText } from './config-text.ts';
import { propose } from './proposal.ts';
import type { ColumnFacts, DatabaseFacts, TableFacts } from './read-database.ts';

const odd = [
  ...[
    'null',
    '~',
    'yes',
    'No',
    '1',
    '0x1',
    '1e3',
    '.inf',
    '<<',
    '__proto__',
    'constructor',
    '-',
    '?',
  ],
  ...[
    'a: b',
    '- a',
    '# a',
    'a #b',
    '{a}',
    '[a',
    'a,b',
    '&a',
    '*a',
    '!a',
    '%a',
    '@a',
    '`a',
    '|',
    '>',
  ],
  ...[
    '"',
    "'",
    '""',
    '\\',
    '\\n',
    'a"b',
    '\n',
    'a\nb: c',
    '\r',
    '\t',
    ' ',
    ' a ',
    'é',
    'Ünicode',
    '表',
  ],
  ...[
    '\u0085',
    '\u007f',
    '\u001b[31m',
    '\u202e',
    '\u2028',
    '\u2029',
    '\ufeff',
    '\u{e0041}',
    '\u{1f600}',
  ],
  ...[
    'pwd = hunter2',
    'postgres://u:hunter2@h',
    'public.users',
    'users_history',
    'users',
    '...',
    '---',
  ],
];
const name = fc
  .oneof(
    fc.constantFrom(...odd),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 24 }),
    fc.string({ unit: fc.constantFrom(...odd, 'a', 'B', '_', '.'), minLength: 1, maxLength: 6 }),
  )
  // What Postgres takes: no NUL, no half of a character, 63 bytes.
  .map((text) => text.replace(/[\0\p{Cs}]/gu, 'x'))
  .filter((text) => Buffer.byteLength(text) <= 55);

const column: fc.Arbitrary<ColumnFacts> = fc.record({
  name: fc
    .tuple(fc.constantFrom('email_', 'token_', 'client_ip ', '', 'name'), name)
    .map(([a, b]) => a + b),
  type: name,
  base: fc.constantFrom('text', 'bytea', 'inet', 'int4'),
  category: fc.constantFrom('S', 'U', 'N'),
  inKey: fc.boolean(),
  references: fc.boolean(),
});
const table = (owner: string): fc.Arbitrary<TableFacts> =>
  fc.record({
    name: fc.tuple(name, fc.constantFrom('', '_log', '_history')).map(([a, b]) => a + b),
    kind: fc.constantFrom('r', 'p'),
    owner: fc.constant(owner),
    extension: fc.option(name, { freq: 10 }),
    has_key: fc.boolean(),
    changed_by_cascade: fc.boolean(),
    inserted: fc.constant(3),
    changed: fc.constantFrom(0, 2),
    columns: fc.uniqueArray(column, { maxLength: 4, selector: (each) => each.name }),
  });

const facts: fc.Arbitrary<DatabaseFacts> = fc
  .record({
    owner: name,
    schema: name,
    database: name,
    others: fc.uniqueArray(name, { maxLength: 3 }),
  })
  .filter(({ owner, schema }) => ![owner, schema].some((each) => unwritable(each)))
  .chain(({ owner, schema, database, others }) =>
    fc.record({
      database: fc.constant(database),
      user: fc.constant(owner),
      version: fc.constant(180000),
      version_name: fc.constant('18'),
      log_statement: fc.constantFrom('none', 'mod', null),
      log_line_prefix: fc.constantFrom('%m [%p] ', ' sql_error_code = %e '),
      schema: fc.constant(schema),
      schemas: fc.constant([{ name: schema, tables: 3 }]),
      tables: fc
        .uniqueArray(table(owner), { minLength: 1, maxLength: 5, selector: (each) => each.name })
        .map((made) => [
          { ...made[0], name: 'plain', extension: null } as TableFacts,
          ...made.filter((each) => each.name !== 'plain'),
        ]),
      owners: fc.constant(
        new Map([
          [
            owner,
            {
              superuser: false,
              login: true,
              may_become: true,
              may_create: true,
              members: others,
              other_sessions: 1,
            },
          ],
        ]),
      ),
      maySetLog: fc.constant(new Set<string>()),
    }),
  )
  .chain((made) =>
    name.map(
      (role): DatabaseFacts => ({
        ...made,
        writers: [
          { role, privilege: 'insert', tables: made.tables.map((each) => each.name) },
          { role: `${role}2`, privilege: 'update', tables: ['plain'] },
        ].filter((writer) => writer.role !== made.user) as DatabaseFacts['writers'],
      }),
    ),
  );

/** What the configuration takes for no name, be it a schema's or a role's. */
function unwritable(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /[\u0000-\u001f\u007f]|hunter2|:\/\/|^__proto__$/.test(text);
}

test('whatever the database’s names are, they read back exactly, or are told as left out', () => {
  fc.assert(
    fc.property(facts, (given) => {
      const proposal = propose(given, { app: 'shop', ownerUrlEnv: 'SHOP_OWNER_URL' });
      const text = configText(proposal) ?? '';
      const parsed = parseConfig(text, 'f');
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
      const database = parsed.config.apps[0]?.database;
      expect(database?.owner).toBe(given.user);
      const { schema } = given;
      expect(database?.tables).toEqual(
        proposal.tables.map((each) => {
          const listed = (list: string) =>
            each.columns.filter((one) => one.list === list).map((one) => one.name);
          const lists = {
            exclude: listed('exclude'),
            mask: listed('mask'),
            personal: listed('personal'),
          };
          const filled = Object.entries(lists).filter(([, names]) => names.length > 0);
          return { schema, name: each.name, ...Object.fromEntries(filled) };
        }),
      );
      expect(database?.appendOnly).toEqual(
        proposal.appendOnly.map((each) => ({ schema, name: each.name })),
      );
      expect(database?.roles.map((role) => role.name).sort()).toEqual(
        proposal.roles.map((role) => role.name).sort(),
      );
      const told = [...proposal.tables, ...proposal.appendOnly, ...proposal.leftOut].map(
        (each) => each.name,
      );
      expect(told.sort()).toEqual(given.tables.map((each) => each.name).sort());
      for (const { role } of given.writers) {
        const about = proposal.findings.flatMap((finding) => finding.about);
        const named = proposal.roles.some((each) => each.name === role);
        // It may write `plain`, so it is always one or the other.
        expect(named || about.includes(role)).toBe(true);
      }
      // What a reader sees is what is there: no character hides, or acts on a terminal.
      expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }),
    { numRuns: 250 },
  );
});

test('a schema of thousands of tables is written without comments rather than not at all', () => {
  const [sample] = fc.sample(facts, { numRuns: 1, seed: 1 });
  if (sample === undefined) throw new Error('no sample');
  const many = (count: number) => ({
    ...sample,
    schema: 's',
    schemas: [{ name: 's', tables: count }],
    tables: Array.from({ length: count }, (_, index) => ({
      ...(sample.tables[0] as TableFacts),
      name: `a_rather_long_name_of_a_table_${index}`,
      has_key: false,
      columns: [],
    })),
    writers: [],
  });
  const given = { app: 'shop', ownerUrlEnv: 'SHOP_OWNER_URL' };
  const text = configText(propose(many(4000), given));
  expect(text).toContain('a_rather_long_name_of_a_table_3999');
  expect(text).not.toContain('no primary key');
  expect(configText(propose(many(400), given))).toContain('no primary key');
  expect(configText(propose(many(9000), given))).toBeUndefined();
});
