import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/demo/embedded-postgres.ts';
import { prepareWorkload, runWorkload, type SentStatement } from './golden-workload.ts';
import { herokuFrame } from './heroku-frame.ts';
import { listenToSyslog } from './syslog-socket.ts';

/** Heroku's own settings of `log_line_prefix`: current, old, and that of the essential tiers. */
export const herokuPrefixes = {
  session:
    ' sql_error_code = %e time_ms = "%m" pid="%p" proc_start_time="%s" session_id="%c" vtid="%v" tid="%x" log_line="%l" %qdatabase="%d" connection_source="%r" user="%u" application_name="%a" ',
  plain: ' sql_error_code = %e ',
  essential: ' database = %d connection_source = %r sql_error_code = %e ',
} as const;
export type HerokuPrefix = keyof typeof herokuPrefixes;

/** What one run of the workload left behind. */
export interface Captured {
  readonly prefix: HerokuPrefix;
  readonly sent: readonly SentStatement[];
  /** Octet-counted, as a drain would get it. */
  readonly frame: Uint8Array;
  /** The jsonlog lines of the same messages. */
  readonly json: Uint8Array;
}

/**
 * Starts a server that logs to syslog and to jsonlog at once and runs the workload under each of
 * the prefixes. `binaries` are Debian's Postgres 15, with pgaudit; without it the embedded 18.
 */
export async function captureGolden(given: {
  readonly binaries?: string;
  readonly prefixes: readonly HerokuPrefix[];
}): Promise<Captured[]> {
  const pgaudit = given.binaries !== undefined;
  const syslog = await listenToSyslog();
  try {
    const server = await startEmbeddedPostgres({
      ...(given.binaries === undefined ? {} : { binaries: given.binaries }),
      settings: {
        log_destination: 'syslog,jsonlog',
        syslog_facility: 'LOCAL0',
        log_min_messages: 'warning',
        log_checkpoints: 'off',
        ...(pgaudit ? { shared_preload_libraries: 'pgaudit' } : {}),
      },
    });
    try {
      await prepareWorkload(server, pgaudit);
      const captured: Captured[] = [];
      for (const prefix of given.prefixes) {
        const superuser = server.url(server.superuser.user, server.superuser.password);
        await beginRun(superuser, herokuPrefixes[prefix]);
        const skip = {
          datagrams: syslog.datagrams.length,
          json: (await jsonLog(server.logDirectory)).length,
        };
        const end = `end of ${prefix}`;
        const sent = await runWorkload(server, { pgaudit, wide: prefix === 'session', end });
        await syslog.seen(end);
        await sleep(200);
        captured.push({
          prefix,
          sent,
          frame: herokuFrame(
            syslog.datagrams.slice(skip.datagrams).map(withoutHome),
            new Date().getUTCFullYear(),
          ),
          json: withoutHome((await jsonLog(server.logDirectory)).subarray(skip.json)),
        });
      }
      return captured;
    } finally {
      await server.stop();
    }
  } finally {
    await syslog.close();
  }
}

/** The temporary folder of the server replaced by another path of the same length. */
function withoutHome(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1');
  const home = /\/[^\s"]*\/pgwitness-postgres-[A-Za-z0-9]+/g;
  return Buffer.from(
    text.replace(home, (path) => '/srv/postgres'.padEnd(path.length, '/')),
    'latin1',
  );
}

async function beginRun(url: string, prefix: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, options: '-c log_statement=none' });
  await client.connect();
  await client.query(`alter system set log_line_prefix = ${pg.escapeLiteral(prefix)}`);
  await client.query('select pg_reload_conf()');
  await client.query('truncate users, quiet restart identity');
  await client.end();
  // The postmaster hands the setting on to the backends it makes from now on; it takes a moment.
  await sleep(300);
}

async function jsonLog(folder: string): Promise<Buffer> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  return Buffer.concat(await Promise.all(names.map((name) => readFile(join(folder, name)))));
}
