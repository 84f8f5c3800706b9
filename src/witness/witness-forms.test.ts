import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { herokuPrefixes } from '../../test/rig/capture-golden.ts';
import { recordsOf } from '../../test/rig/golden-truth.ts';
import { goldenWitnesses, writeGoldenWitness } from '../../test/rig/golden-witness.ts';
import { herokuFrame } from '../../test/rig/heroku-frame.ts';
import { listenToSyslog, type SyslogSocket, syslogObstacle } from '../../test/rig/syslog-socket.ts';
import {
  capturedTables,
  dueLines,
  oddLog,
  sendWorkload,
  witnessTables,
  witnessWorkload,
} from '../../test/rig/witness-workload.ts';
import { startWitnessWorld, type WitnessWorld } from '../../test/rig/witness-world.ts';
import { parseFrame } from '../logplex/frame.ts';
import type { LogRecord } from '../logplex/record.ts';
import { judgeWitness, type WitnessProof } from './judge-witness.ts';
import { parseWitness } from './witness-line.ts';

/** The witness lines that a session left, in both forms that the server writes. */
interface Logged {
  readonly json: LogRecord[];
  readonly stitched: LogRecord[];
  readonly frame: Uint8Array;
}

const obstacle = syslogObstacle();
const skipSyslog = obstacle !== undefined && process.env['CI'] !== 'true';

describe.each([
  ['Postgres 18', undefined],
  ['Postgres 15', inject('postgres15')],
])('witness lines that %s writes', (_, binaries) => {
  describe.skipIf(binaries === '' || skipSyslog)('', () => {
    let world: WitnessWorld;
    let syslog: SyslogSocket;
    let app: pg.Client;
    let proof: WitnessProof;
    beforeAll(async () => {
      syslog = await listenToSyslog();
      world = await startWitnessWorld(binaries, {
        log_destination: 'syslog,jsonlog',
        syslog_facility: 'LOCAL0',
        log_checkpoints: 'off',
      });
      const schema = await world.captured(witnessTables, capturedTables, (name) => ({
        appendOnly: [{ schema: name, name: oddLog }],
      }));
      await world.owner.query(`grant execute on all procedures in schema ${schema} to raptor_app`);
      await world.owner.query(`grant create on schema ${schema} to raptor_app`);
      proof = {
        key: await world.key(),
        check: async () => ({ kind: 'equal' }),
        changesOf: async () => [],
      };
    });
    afterAll(async () => {
      await world?.stop();
      await syslog?.close();
    });

    /** A new session of the application under these settings; what it makes the server log is looked at alone. */
    async function begin(prefix: string, level: string): Promise<() => Promise<Logged>> {
      await world.superuser.query(`alter system set log_line_prefix = ${pg.escapeLiteral(prefix)}`);
      await world.superuser.query(`alter role raptor_app set log_min_messages = '${level}'`);
      await world.superuser.query('select pg_reload_conf()');
      await expect
        .poll(async () => {
          app = await world.database.connect('raptor_app');
          const { rows } = await app.query(
            `select current_setting('log_line_prefix') = $1 and current_setting('log_min_messages') = $2 as set`,
            [prefix, level],
          );
          return rows[0]?.set;
        })
        .toBe(true);
      const { rows } = await world.superuser.query('show search_path');
      await app.query(`set search_path to ${rows[0]?.search_path}`);
      await world.logged();
      const skip = syslog.datagrams.length;
      return async () => {
        const end = `end ${Math.random()}`;
        await app.query(`do $$ begin raise log '${end}'; end $$`);
        await syslog.seen(end);
        const frame = herokuFrame(syslog.datagrams.slice(skip), new Date().getUTCFullYear());
        const json = await world.logged();
        const stitched = recordsOf(parseFrame(frame).lines);
        await app.end();
        const witnesses = (all: LogRecord[]) => all.filter(({ kind }) => kind === 'witness');
        return { json: witnesses(json), stitched: witnesses(stitched), frame };
      };
    }

    async function tellings(records: readonly LogRecord[]) {
      const told = [];
      for (const record of records) {
        const judgement = await judgeWitness(record, proof);
        if (judgement.verdict === 'malformed') {
          told.push({ verdict: 'malformed', tells: record.message, statement: record.statement });
          continue;
        }
        const { verdict, witness } = judgement;
        const tells = `${witness.command} ${witness.table.name} ${witness.rows ?? 0}`;
        told.push({ verdict, tells, statement: record.statement });
      }
      return told;
    }

    test.each([
      ['session', 'warning', false],
      ['plain', 'warning', true],
      ['essential', 'error', false],
    ] as const)(
      'are whole and true whichever way a write came: prefix %s, log_min_messages %s',
      async (prefix, level, big) => {
        const queries = witnessWorkload(big);
        const logged = await begin(herokuPrefixes[prefix], level);
        await sendWorkload(app, queries);
        const due = dueLines(queries, level === 'error');
        const { json, stitched, frame } = await logged();
        const golden = `postgres-${binaries === undefined ? 18 : 15}-witness-${prefix}`;
        if (process.env['GOLDEN'] === 'write' && goldenWitnesses.some((name) => name === golden)) {
          writeGoldenWitness(golden, { frame, key: proof.key, due });
        }
        for (const records of [json, stitched]) {
          expect(await tellings(records)).toEqual(
            due.map((line) => ({ verdict: 'true', ...line })),
          );
          const ambiguous = records.filter((record) => record.ambiguous === true);
          expect(ambiguous.map(({ message }) => message)).toEqual([]);
          if (!big) continue;
          // The text once, and some 700 bytes a line besides.
          const bytes = records.reduce(
            (sum, { message, context, statement }) =>
              sum + Buffer.byteLength(`${message}${context ?? ''}${statement ?? ''}`),
            0,
          );
          const texts = queries.reduce((sum, { sql }) => sum + Buffer.byteLength(sql), 0);
          expect(bytes).toBeLessThan(texts + due.length * 700);
        }
      },
    );

    test.each(['session', 'plain'] as const)(
      'are told from forged ones: prefix %s',
      async (prefix) => {
        const logged = await begin(herokuPrefixes[prefix], 'warning');
        await sendWorkload(app, [{ sql: "insert into t values (9000, 'model')", lines: [] }]);
        await app.query('delete from t');
        const [insert, removal] = (await logged()).json;
        const truth = insert?.message ?? '';
        const code = truth.slice(-32);
        const forgeries: [string, string][] = [
          ['forged', truth.replace('INSERT', 'UPDATE')],
          ['forged', truth.replace('.t,', '.child,')],
          ['forged', truth.replace(/xid=\d+/, 'xid=4711')],
          ['forged', `${truth.slice(0, -32)}${'0'.repeat(32)}`],
          ['forged', `${removal?.message.slice(0, -32)}${code}`],
          ['malformed', truth.slice(0, -1)],
          ['malformed', truth.slice(0, 60)],
          ['malformed', `${truth},${code}`],
          ['malformed', truth.replace(' sub=', '  sub=')],
          ['malformed', 'AUDIT: WITNESS,1'],
          [
            'malformed',
            `AUDIT: WITNESS,1,1,WRITE,INSERT,TABLE,${'x'.repeat(5_000)},<none>,<none>,xid=1,${code}`,
          ],
          ['repeated', truth],
        ];
        const again = await begin(herokuPrefixes[prefix], 'warning');
        for (const [, text] of forgeries) {
          const literal = pg.escapeLiteral(text);
          await app.query(`do $do$ begin raise log '%', ${literal}; end $do$`);
          await app.query(`create or replace function fn_capture_t_history(a int) returns void
          language plpgsql as $f$ begin raise warning '%', ${literal}; end $f$`);
          await app.query('select fn_capture_t_history(1)');
          // With a name that the search path finds first: it is told without its schema.
          await app.query(`create or replace function pg_temp.fn_capture_t_history() returns void
          language plpgsql as $f$ begin raise log '%', ${literal}; end $f$`);
          await app.query('select pg_temp.fn_capture_t_history()');
        }
        const due = forgeries.flatMap(([verdict, text]) =>
          Array(3).fill([
            text === truth.replace(' rows=1 ', ' rows=1 ') ? 'repeated' : verdict,
            text,
          ]),
        );
        const { json, stitched } = await again();
        for (const records of [json, stitched]) {
          const told = await tellings(records);
          expect(told.map(({ verdict }, index) => [verdict, records[index]?.message])).toEqual(due);
        }
      },
    );

    test('of a savepoint that was rolled back name its own transaction', async () => {
      const logged = await begin(herokuPrefixes.session, 'warning');
      for (const sql of [
        ...['begin', 'insert into t values (1)', 'savepoint s', 'insert into t values (2)'],
        ...['rollback to s', 'commit', 'delete from t'],
      ]) {
        await app.query(sql);
      }
      const records = (await logged()).json;
      const subs: number[] = [];
      for (const record of records) {
        const witness = parseWitness(record);
        if (witness?.kind === 'captured') subs.push(witness.sub);
      }
      const { rows } = await world.superuser.query(
        'select pg_xact_status(sub::text::xid8) as status from unnest($1::bigint[]) sub',
        [subs],
      );
      expect(rows.map(({ status }) => status)).toEqual(['committed', 'aborted', 'committed']);
    });
  });
});
