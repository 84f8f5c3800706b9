// npm run bench:capture [-- --quick] [--rounds N] [--clients N] [--peer name=file.sql]
// What capture costs, as ratios to no audit measured in the same run: a table, a line of JSON for each peer,
// and at the end one for ours.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../../src/demo/embedded-postgres.ts';
import { captureAlone, type Layer, noAudit, peerLayer, withWitness } from './layer.ts';
import { connect, findPgbench, type Measured, measure } from './measure.ts';
import { singleRowScript, sourceSql, tableSql } from './workload.ts';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    clients: { type: 'string', default: '4' },
    peer: { type: 'string', multiple: true, default: [] },
  },
});
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 5));
const seconds = flags.quick ? 3 : 8;
const peers = flags.peer.map(peerLayer);
const layers: Layer[] = [noAudit, captureAlone, withWitness, ...peers];

const pgbench = findPgbench(process.env['PATH'] ?? '');
if (pgbench === undefined) {
  console.error(
    'error There is no pgbench here.\n  fix Install Debian’s postgresql package, which brings it.',
  );
  process.exit(2);
}
const folder = await mkdtemp(join(tmpdir(), 'pgwitness-bench-'));
const script = join(folder, 'single-row.sql');
await writeFile(script, singleRowScript);
const postgres = await startEmbeddedPostgres({
  settings: {
    synchronous_commit: 'off',
    shared_buffers: '1GB',
    max_wal_size: '8GB',
    checkpoint_timeout: '30min',
    autovacuum: 'off',
  },
});
try {
  await makeTemplate();
  const found = new Map<string, Measured[]>(layers.map((layer) => [layer.name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const layer of layers) {
      const measured = await measure({
        postgres,
        layer,
        clients: Number(flags.clients),
        seconds,
        script,
        pgbench,
      });
      found.get(layer.name)?.push(measured);
      console.error(`round ${round + 1} ${layer.name}: ${show(measured)}`);
    }
  }
  report(found);
} finally {
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}

async function makeTemplate(): Promise<void> {
  const { user, password } = postgres.superuser;
  const admin = await connect(postgres.url(user, password));
  await admin.query('create database bench_template');
  const template = await connect(postgres.url(user, password, 'bench_template'));
  await template.query(tableSql);
  await template.query(sourceSql);
  await template.query('vacuum analyze source');
  await template.end();
  await admin.end();
}

function report(found: ReadonlyMap<string, readonly Measured[]>): void {
  const bare = found.get(noAudit.name) ?? [];
  const ratios = (layer: Layer) => ratiosOf(found.get(layer.name) ?? [], bare);
  const shown = Object.fromEntries(layers.slice(1).map((layer) => [layer.name, ratios(layer)]));
  console.table(shown);
  console.log(`Ratios to no audit, medians of ${rounds} rounds; bytes a change, log a statement.`);
  for (const peer of peers) {
    console.log(JSON.stringify({ bench: 'capture', layer: peer.name, ...ratios(peer) }));
  }
  const alone = ratios(captureAlone);
  const witnessed = ratios(withWitness);
  console.log(
    JSON.stringify({
      bench: 'capture',
      tps: alone.tps,
      insert: alone.insert,
      update: alone.update,
      delete: alone.delete,
      bytes: alone.bytes,
      witness_tps: witnessed.tps,
      witness_insert: witnessed.insert,
      witness_update: witnessed.update,
      witness_delete: witnessed.delete,
      sync_tps: witnessed.sync_tps,
      log_bytes: witnessed.log_bytes,
      log_lines: witnessed.log_lines,
    }),
  );
}

/** Medians of the ratios round by round, so that a slow minute of the machine weighs on both sides. */
function ratiosOf(layer: readonly Measured[], bare: readonly Measured[]) {
  const ratio = (key: 'tps' | 'syncTps' | 'insert' | 'update' | 'delete') =>
    median(layer.map((one, round) => one[key] / (bare[round]?.[key] ?? Number.NaN)));
  return {
    tps: ratio('tps'),
    sync_tps: ratio('syncTps'),
    insert: ratio('insert'),
    update: ratio('update'),
    delete: ratio('delete'),
    bytes: median(layer.map((one) => one.bytes)),
    log_bytes: median(layer.map((one) => one.logBytes)),
    log_lines: median(layer.map((one) => one.logLines)),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  return Math.round(middle * 100) / 100;
}

function show(measured: Measured): string {
  const { insert, update, delete: deleted, tps, syncTps, bytes, logBytes } = measured;
  return `insert ${insert.toFixed(0)} ms, update ${update.toFixed(0)} ms, delete ${deleted.toFixed(0)} ms, ${tps.toFixed(0)} tps, ${syncTps.toFixed(0)} tps in sync, ${bytes.toFixed(0)} B/change, ${logBytes.toFixed(0)} B of log`;
}
