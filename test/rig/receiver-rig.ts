import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { Drain } from '../../src/receive/access-list.ts';
import { createReceiver, type ReceiverOptions } from '../../src/receive/receiver.ts';
import { createReceiverMetrics } from '../../src/receive/receiver-metrics.ts';
import type { Disk } from '../../src/sink/disk.ts';
import { folderArchive } from '../../src/sink/folder-archive.ts';
import { openFolderSink } from '../../src/sink/folder-sink.ts';
import type { FrameFault, StoredFrame } from '../../src/sink/read-frames.ts';
import { readFrames } from '../../src/sink/read-frames.ts';
import { listed } from './sink-conformance.ts';

export const drains: readonly Drain[] = [
  { app: 'one', prefix: 'one', user: 'raxx', secrets: ['secret-one'], tokens: [] },
  { app: 'prod', prefix: 'prod', user: 'shared', secrets: ['secret-two'], tokens: ['d.prod'] },
  {
    app: 'staging',
    prefix: 'staging',
    user: 'shared',
    secrets: ['secret-two'],
    tokens: ['d.staging'],
  },
];

/** A receiver over a folder of its own that lasts as long as the test. */
export async function receiverRig(given: Partial<ReceiverOptions> & { readonly disk?: Disk } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'pgwitness-receive-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { disk, ...over } = given;
  const metrics = createReceiverMetrics();
  const logged: string[] = [];
  const options: ReceiverOptions = {
    drains,
    sink: await openFolderSink(folder, disk === undefined ? {} : { disk }),
    now: Date.now,
    log: pino({ level: 'debug' }, { write: (text: string) => logged.push(text) }),
    metrics,
    ...over,
  };
  const receiver = createReceiver(options);
  const archive = folderArchive(folder);
  return {
    folder,
    sink: options.sink,
    receiver,
    archive,
    logged,
    stored,
    /** Bodies of all frames, in key order. */
    async bodies(): Promise<Buffer[]> {
      const frames = (await stored()).flatMap((object) => object.frames);
      return frames.map((frame) => Buffer.from(frame.kind === 'frame' ? frame.body : 'a fault'));
    },
    /** Value of a series, e.g. `pgwitness_frames_total{prefix="one",outcome="stored"}`. */
    async metric(series: string): Promise<number | undefined> {
      const text = await metrics.registry.metrics();
      const found = text.split('\n').find((row) => row.startsWith(`${series} `));
      return found === undefined ? undefined : Number(found.slice(series.length + 1));
    },
  };

  /** Objects by key, each with its frames. */
  async function stored(): Promise<{ key: string; frames: (StoredFrame | FrameFault)[] }[]> {
    const objects = await listed(archive, '');
    return Promise.all(
      objects.map(async ({ key }) => ({ key, frames: [...readFrames(await archive.read(key))] })),
    );
  }
}
