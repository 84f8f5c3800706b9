import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { pino } from 'pino';
import type { Redactor } from '../../src/redact/redactor.ts';
import type { DiskFault, DiskStep } from '../rig/faulty-disk.ts';
import { homeDrain } from '../rig/receiver-home.ts';
import { type S3Fault, s3Faults } from '../rig/s3-faults.ts';
import type { S3World } from '../rig/s3-world.ts';
import { clientFaults } from './client-faults.ts';
import type { FaultWorld } from './fault-cell.ts';
import { folderWorld, fullDiskWorld, healthyWorld } from './folder-world.ts';
import { s3FaultWorld } from './s3-fault-world.ts';

const run = promisify(execFile);

/** A step, what goes wrong with it, and where that can be tried out. */
export interface FaultRow {
  readonly step: string;
  readonly fault: string;
  open(): Promise<FaultWorld>;
}

const client = (step: string, fault: string, send: keyof typeof clientFaults): FaultRow => ({
  step,
  fault,
  open: () => healthyWorld({ send: clientFaults[send] }),
});

/** Steps of the receiver before and after the sink's. */
export const receiverRows: readonly FaultRow[] = [
  client('read the header', 'fails (is no HTTP)', 'headFails'),
  client('read the header', 'hangs', 'headHangs'),
  client('read the header', 'slow', 'headSlow'),
  client('read the header', 'connection cut', 'headCut'),
  client('read the body', 'hangs', 'bodyHangs'),
  client('read the body', 'slow', 'bodySlow'),
  client('read the body', 'connection cut', 'bodyCut'),
  { step: 'redact', fault: 'hangs', open: () => redactWorld(() => new Promise(() => undefined)) },
  { step: 'redact', fault: 'slow', open: () => redactWorld(() => sleep(100)) },
  { step: 'write the log', fault: 'fails', open: logWorld },
  client('answer', 'connection cut', 'answerCut'),
];

const diskSteps: Readonly<Record<DiskStep, string>> = {
  makeDirectory: 'folder: make the day’s folder',
  writeFile: 'folder: write a file aside and sync it',
  link: 'folder: link it to its key',
  unlink: 'folder: remove the file aside',
  syncDirectory: 'folder: sync the day’s folder',
};
const diskFaults: readonly DiskFault[] = ['fails', 'fails but persisted', 'hangs', 'slow'];

export const folderRows: readonly FaultRow[] = Object.entries(diskSteps).flatMap(([step, name]) =>
  diskFaults.map((fault) => ({
    step: name,
    fault,
    open: () => folderWorld(step as DiskStep, fault),
  })),
);

export const fullDiskRow: FaultRow = {
  step: diskSteps.writeFile,
  fault: 'disk full',
  open: fullDiskWorld,
};

/** The real store behind a way that breaks; every put meets the fault, or the first one alone. */
export function s3Rows(start: () => Promise<S3World>): readonly FaultRow[] {
  let started: Promise<S3World> | undefined;
  const world = () => {
    started ??= start();
    return started;
  };
  const faults: readonly [string, S3Fault][] = [
    ['fails (500)', s3Faults['fails with 500']],
    ['fails (503, slow down)', s3Faults['fails with 503']],
    ['fails (403)', s3Faults['fails with 403']],
    ['fails (409, a racing write)', s3Faults['fails with 409']],
    ['fails but persisted', s3Faults['fails but persisted']],
    ['hangs', s3Faults.hangs],
    ['hangs but persisted', s3Faults['hangs but persisted']],
    ['slow', s3Faults.slow],
    ['connection cut', s3Faults['connection cut']],
    ['connection cut in the body', s3Faults['cut in the body']],
  ];
  const each = (step: string, times?: number) =>
    faults.map(([fault, kind]) => ({
      step,
      fault,
      open: async () => s3FaultWorld(await world(), kind, times),
    }));
  return [
    ...each('S3: put, every try'),
    {
      step: 'S3: put, every try',
      fault: 'disk full',
      open: async () => fullS3World(await world()),
    },
    ...each('S3: put, first try', 1),
  ];
}

/** A bucket whose quota is used up: what a full store is to a client. */
async function fullS3World(world: S3World): Promise<FaultWorld> {
  const whole = await s3FaultWorld(world, s3Faults.slow, 0);
  const bucket = /bucket-[0-9a-f]+/.exec(whole.archive.description)?.[0] ?? '';
  const quota = (...args: string[]) =>
    run('radosgw-admin', [
      ...['-c', world.server.config, 'quota', ...args],
      ...['--quota-scope=bucket', `--bucket=${bucket}`],
    ]);
  return {
    ...whole,
    async breaks() {
      await quota('set', '--max-objects=0', '--max-size=1');
      await quota('enable');
    },
    async heals() {
      await quota('disable');
    },
  };
}

/** Redaction that misbehaves from `breaks` to `heals`; else it leaves bodies as they are. */
function redactWorld(misbehave: () => Promise<unknown>): Promise<FaultWorld> {
  let ill = false;
  const redactor: Redactor = {
    async redact(body) {
      if (ill) await misbehave();
      return body;
    },
    placeholder: (bytes) => Buffer.from(`[redacted ${bytes} bytes]\n`),
    token: (value) => value,
    digest: (...parts) => parts.map(String).join(),
  };
  return healthyWorld({
    options: { redactors: new Map([[homeDrain.prefix, redactor]]) },
    breaks() {
      ill = true;
    },
    heals() {
      ill = false;
    },
  });
}

/** A log each of whose lines throws. */
function logWorld(): Promise<FaultWorld> {
  let ill = false;
  const write = () => {
    if (ill) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
  };
  return healthyWorld({
    options: { log: pino({ level: 'debug' }, { write }) },
    breaks() {
      ill = true;
    },
    heals() {
      ill = false;
    },
  });
}
