import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliRun, runCli } from '../../../test/rig/run-cli.ts';
import {
  herokuMessage,
  lossLine,
  makeSmallArchive,
  type SmallArchive,
} from '../../../test/rig/small-archive.ts';
import { arrivalKey } from '../../sink/object-key.ts';

const noon = Date.UTC(2026, 5, 30, 12);
const now = () => noon + 60_000;
const frameId = () => randomBytes(16).toString('hex').toUpperCase();

let small: SmallArchive;
let config: string;

beforeAll(async () => {
  small = await makeSmallArchive('raxx');
  config = join(small.folder, 'pgwitness.yaml');
  await writeFile(config, yaml(small.folder));
  const say = (logLine: number, text: string, more = {}) =>
    herokuMessage({ atMs: noon + logLine, logLine, text, ...more });
  await small.store(noon, [
    {
      id: frameId(),
      lines: [
        ...say(1, "statement: insert into users (email)\n\tvalues ('zoe@example.invalid')"),
        ...say(2, 'statement: update sessions set expires_at = now() where id in (select 1)'),
        ...say(3, 'statement: delete from public."users" where id = 1', { user: 'audit_archiver' }),
        ...say(4, `statement: insert into users values ('${'wide '.repeat(40)}')`),
        ...say(5, 'statement: select \u001b[2J\u009b31m\u202e;1'),
      ],
    },
  ]);
  // Of another day, so that it stands in no other test's answer.
  await small.store(noon - 2 * 86_400_000, [
    {
      id: frameId(),
      lines: herokuMessage({
        atMs: noon - 2 * 86_400_000,
        text: 'statement: delete from "Order Item"',
      }),
    },
  ]);
  await small.store(noon + 1_000, [{ id: frameId(), lines: [lossLine(noon, 7, noon - 5_000)] }]);
});
afterAll(() => small.remove());

const trail = (...args: string[]): Promise<CliRun> =>
  runCli(['trail', '--config', config, ...args], { now });
const linesOf = (run: CliRun) => run.stdout.trim().split('\n');

describe('pgwitness trail', () => {
  test('prints who did what to a table, and the loss that makes a hole in the answer', async () => {
    const run = await trail('--table', 'users', '--role', 'raptor_app', '--grep', 'zoe');
    expect(run.stdout).toBe(
      [
        '2026-06-30T12:00:00.000Z  drain  loss',
        '  up to 7 messages were lost since 2026-06-30T11:59:55+00:00 (L10)',
        '',
        '2026-06-30T12:00:00.001Z  raptor_app  10.1.2.3  web  statement',
        '  insert into users (email)',
        "    values ('zoe@example.invalid')",
        '',
        '',
      ].join('\n'),
    );
    expect(run).toMatchObject({ code: 0, stderr: '' });
  });

  test('no line is wider than 80 columns, and nothing acts on the terminal', async () => {
    const run = await trail();
    for (const line of linesOf(run)) expect(line.length).toBeLessThanOrEqual(80);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(run.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(run.stdout).toContain('select \\x1b[2J\\x9b31m\\u{202e};1');
  });

  test('--json gives one object a line, with the objects and frames its lines stand in', async () => {
    const records = linesOf(await trail('--json', '--kind', 'statement')).map((line) =>
      JSON.parse(line),
    );
    expect(records).toHaveLength(5);
    expect(records[0]).toMatchObject({
      kind: 'statement',
      user: 'raptor_app',
      statement: "insert into users (email)\n\tvalues ('zoe@example.invalid')",
      objects: [expect.stringMatching(/^logs\/raxx\/2026\/06\/30\//)],
      frameIds: [expect.stringMatching(/^[0-9A-F]{32}$/)],
    });
    expect(records[4].statement).toBe('select \u001b[2J\u009b31m\u202e;1');
  });

  test('--limit stops at the earliest records and says where to go on', async () => {
    const run = await trail('--json', '--limit', '2');
    const records = linesOf(run).map((line) => JSON.parse(line));
    expect(records.map(({ kind }) => kind)).toEqual(['loss', 'statement', 'statement']);
    expect(run.stderr).toContain('go on with --since 2026-06-30T12:00:00.003Z');
    const rest = await trail('--json', '--since', '2026-06-30T12:00:00.003Z');
    expect(linesOf(rest)).toHaveLength(3);
  });

  test('--last gives the newest records in time order, and the loss beside them', async () => {
    const records = linesOf(await trail('--json', '--last', '2')).map((line) => JSON.parse(line));
    expect(records.map(({ logLine, kind }) => logLine ?? kind)).toEqual([4, 5]);
    const all = linesOf(await trail('--json', '--last', '9')).map((line) => JSON.parse(line));
    expect(all.map(({ logLine, kind }) => logLine ?? kind)).toEqual(['loss', 1, 2, 3, 4, 5]);
  });

  test('an archive that is not there is an error, and not an answer that nothing was done', async () => {
    const path = join(small.folder, 'typo.yaml');
    await writeFile(path, yaml(`${small.folder}h`));
    const run = await runCli(['trail', '--config', path], { now });
    expect(run).toMatchObject({ code: 3, stdout: '' });
    expect(run.stderr).toContain(
      `error The archive ${small.folder}h does not exist.\n  fix Correct`,
    );
  });

  test('a table that pgwitness.yaml does not name is told, with the one that was meant', async () => {
    const typo = await trail('--table', 'uesrs');
    expect(typo.stderr).toContain(
      'note uesrs is no table of raxx in pgwitness.yaml; did you mean users?\n',
    );
    const other = await trail('--table', 'sessions', '--kind', 'statement');
    expect(other.stderr).toBe('note sessions is no table of raxx in pgwitness.yaml.\n');
    expect(other.stdout).toContain('update sessions');
    expect((await trail('--table', 'public.users_history')).stderr).not.toContain('note');
  });

  test('a configured table that SQL has to quote needs no quotes', async () => {
    const plain = await trail('--since', '3d', '--table', 'Order Item');
    expect(plain).toMatchObject({ stderr: '' });
    expect(plain.stdout).toContain('Order Item');
    expect((await trail('--since', '3d', '--table', 'public.Order Item')).stdout).toBe(
      plain.stdout,
    );
  });

  test('--since and --until bound the span', async () => {
    const span = ['--since', '2026-06-30T12:00:00.002Z', '--until', '2026-06-30T12:00:00.004Z'];
    const run = await trail('--json', ...span);
    expect(linesOf(run)).toHaveLength(2);
  });

  test('without a record it says what it looked at and what to try', async () => {
    const run = await trail('--grep', 'nowhere', '--kind', 'statement');
    expect(run).toMatchObject({ code: 0, stdout: '' });
    expect(run.stderr).toMatch(/^No records of raxx .* match \(2 objects looked at\)\. Try fewer/);
    // The end that nobody named lies ahead, and is not told as if it had been asked for.
    expect(run.stderr).toMatch(/from \S+ on match/);
    const empty = await trail('--since', '2020-01-01', '--until', '2020-01-02');
    expect(empty.stderr).toContain('from 2020-01-01T00:00:00.000Z to 2020-01-02T00:00:00.000Z');
    expect(empty.stderr).toContain('no object of raxx');
  });

  test("what can't be read is told, and ends with 1", async () => {
    const broken = await makeSmallArchive('raxx');
    try {
      await broken.sink.put(arrivalKey('raxx', noon), Buffer.from('no gzip'));
      const path = join(broken.folder, 'pgwitness.yaml');
      await writeFile(path, yaml(broken.folder));
      const run = await runCli(['trail', '--config', path], { now });
      expect(run.code).toBe(1);
      expect(run.stderr).toContain('byte 0: 7 bytes are not gzip');
      expect(run.stderr).toContain('this may not be all');
    } finally {
      await broken.remove();
    }
  });

  test('a message whose beginning is missing is shown whatever is asked for, and ends with 1', async () => {
    const cut = await makeSmallArchive('raxx');
    try {
      const lines = herokuMessage({ atMs: noon, text: 'statement: delete\nfrom users' });
      await cut.store(noon, [{ id: frameId(), lines: lines.slice(1) }]);
      const path = join(cut.folder, 'pgwitness.yaml');
      await writeFile(path, yaml(cut.folder));
      const asked = ['--kind', 'statement', '--table', 'users', '--role', 'raptor_app'];
      const run = await runCli(['trail', '--config', path, ...asked], { now });
      expect(run.code).toBe(1);
      expect(run.stdout).toContain('(parts of it never came)\n  from users');
      expect(run.stderr).toContain('is not whole');
    } finally {
      await cut.remove();
    }
  });

  test('what a clock that runs ahead has stamped is shown, or told where it is too far ahead', async () => {
    const ahead = await makeSmallArchive('raxx');
    try {
      const stamped = (logLine: number, atMs: number) =>
        herokuMessage({ atMs, logLine, text: `statement: drop table t${logLine}` });
      const lines = [stamped(1, noon + 300_000), stamped(2, noon + 5 * 86_400_000)].flat();
      await ahead.store(noon, [{ id: frameId(), lines }]);
      const path = join(ahead.folder, 'pgwitness.yaml');
      await writeFile(path, yaml(ahead.folder));
      const run = await runCli(['trail', '--config', path], { now });
      expect(run.stdout).toContain('drop table t1');
      expect(run.stderr).toMatch(/^1 more arrived in this time but are stamped after it/);
      const wide = await runCli(['trail', '--config', path, '--until', '2026-07-10'], { now });
      expect(wide).toMatchObject({ stdout: expect.stringContaining('drop table t2'), stderr: '' });
    } finally {
      await ahead.remove();
    }
  });

  test('a record that can be read in more than one way is marked, and the mark explained', async () => {
    const odd = await makeSmallArchive('raxx');
    try {
      const text = 'execute X: delete from users; --: select 1';
      await odd.store(noon, [{ id: frameId(), lines: herokuMessage({ atMs: noon, text }) }]);
      const path = join(odd.folder, 'pgwitness.yaml');
      await writeFile(path, yaml(odd.folder));
      const run = await runCli(['trail', '--config', path], { now });
      expect(linesOf(run)[0]).toMatch(/ {2}statement {2}\(ambiguous\)$/);
      expect(run.stderr).toMatch(/^1 records, marked \(ambiguous\)/);
    } finally {
      await odd.remove();
    }
  });

  test('stopped, it says that this is not all', async () => {
    const stop = new AbortController();
    stop.abort();
    const run = await runCli(['trail', '--config', config], { now, signal: stop.signal });
    expect(run).toMatchObject({ code: 1, stdout: '' });
    expect(run.stderr).toContain('not all');
  });

  test('on a terminal, work over a second shows how far it is, and takes that away again', async () => {
    let clock = now();
    const ticking = () => {
      clock += 700;
      return clock;
    };
    const run = await runCli(['trail', '--config', config, '--until', '2026-07-01'], {
      now: ticking,
      stderrTerminal: true,
    });
    expect(run.stderr).toContain('\r2 objects, ');
    expect(run.stderr.endsWith('\r\u001b[K')).toBe(true);
  });

  test.each([
    [['--since', 'yesterday'], 'cli.bad-moment'],
    [['--since', '2026-02-30'], 'cli.bad-moment'],
    [['--since', '1h', '--until', '2h'], 'cli.empty-span'],
    [['--late', 'soon'], 'cli.bad-duration'],
    [['--limit', '0'], 'whole number'],
    [['--last', '10001'], 'from 1 to 10000'],
    [['--last', '5', '--limit', '5'], 'cli.limit-and-last'],
    [['--kind', 'nonsense'], 'statement|audit'],
    [['--grep', ''], 'empty'],
    [['--tabel', 'users'], 'tabel'],
  ])('%j is a usage error', async (args, told) => {
    const run = await trail(...args);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(told);
  });
});

function yaml(folder: string): string {
  return `version: 1
archive: { folder: ${JSON.stringify(folder)} }
apps:
  raxx:
    drain: { secret_env: DRAIN_SECRET }
    database:
      owner_url_env: OWNER_URL
      owner: raxx_owner
      tables: [users, '"Order Item"']
`;
}
