import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  herokuMessage,
  lossLine,
  makeSmallArchive,
  objectOf,
  type SmallArchive,
} from '../../test/rig/small-archive.ts';
import { encodeFrame } from '../logplex/frame.ts';
import type { SyslogLine } from '../logplex/syslog-line.ts';
import { arrivalKey } from '../sink/object-key.ts';
import type { TrailFinding } from './finding.ts';
import { type ScanOptions, scanRecords, type TrailEntry } from './scan-records.ts';

const noon = Date.UTC(2026, 5, 30, 12);
const second = 1_000;
const hour = 3_600_000;
const frameId = () => randomBytes(16).toString('hex').toUpperCase();

let small: SmallArchive;
beforeEach(async () => {
  small = await makeSmallArchive('raxx');
});
afterEach(() => small.remove());

type Found = Extract<TrailEntry, { type: 'record' }>;

async function scan(
  options: Partial<ScanOptions> = {},
  archive = small,
): Promise<{ found: Found[]; findings: TrailFinding[]; messages: string[] }> {
  const found: Found[] = [];
  const findings: TrailFinding[] = [];
  const span = { prefix: 'raxx', since: noon - hour, until: noon + hour };
  for await (const entry of scanRecords(archive.archive, { ...span, ...options })) {
    if (entry.type === 'record') found.push(entry);
    else findings.push(entry.finding);
  }
  return { found, findings, messages: found.map(({ record }) => record.message) };
}

const insert = (logLine: number, atMs: number, more = '') =>
  herokuMessage({ atMs, logLine, text: `statement: insert into users values (${logLine})${more}` });

describe('scanRecords', () => {
  test('records come in time order, each with the objects and frames its lines stand in', async () => {
    const [one, two] = [frameId(), frameId()];
    const late = await small.store(noon + 5 * second, [{ id: two, lines: insert(1, noon) }]);
    const early = await small.store(noon + 2 * second, [
      { id: one, lines: insert(2, noon + second) },
    ]);
    const { found, messages } = await scan();
    expect(messages).toEqual([
      'statement: insert into users values (1)',
      'statement: insert into users values (2)',
    ]);
    expect(found.map(({ objects, frameIds }) => [objects, frameIds])).toEqual([
      [[late], [two]],
      [[early], [one]],
    ]);
  });

  test('a message whose chunks lie in three objects is one record', async () => {
    const lines = insert(1, noon, '\n-- two\n-- three');
    const keys: string[] = [];
    for (const [index, line] of lines.entries()) {
      keys.push(await small.store(noon + index * 10 * second, [{ id: frameId(), lines: [line] }]));
    }
    const { found } = await scan();
    expect(found).toHaveLength(1);
    expect(found[0]?.record.statement).toBe('insert into users values (1)\n-- two\n-- three');
    expect(found[0]?.record.complete).toBe(true);
    expect(found[0]?.objects).toEqual(keys);
  });

  test('a frame that stands in two objects is told once, other lines beside it all the same', async () => {
    const frame = { id: frameId(), lines: [...insert(1, noon), otherLine(noon)] };
    await small.store(noon, [frame]);
    await small.store(noon + second, [{ id: frameId(), lines: insert(2, noon) }, frame]);
    const { messages, findings } = await scan();
    expect(messages.sort()).toEqual([
      'State changed from up to down',
      'statement: insert into users values (1)',
      'statement: insert into users values (2)',
    ]);
    expect(findings).toEqual([]);
  });

  test('a retry that renders its loss line anew adds the loss, once, and no line twice', async () => {
    const id = frameId();
    const lines = [...insert(1, noon), otherLine(noon)];
    const since = noon - 60 * second;
    await small.store(noon, [{ id, lines }]);
    await small.store(noon + second, [
      { id, lines: [lossLine(noon + second, 7, since), ...lines] },
    ]);
    await small.store(noon + 2 * second, [
      { id, lines: [lossLine(noon + 2 * second, 7, since), ...lines] },
    ]);
    const { found, findings } = await scan();
    expect(findings).toEqual([]);
    expect(found.map(({ record }) => record.kind).sort()).toEqual(['loss', 'other', 'statement']);
    expect(found.find(({ record }) => record.kind === 'loss')?.record.loss?.count).toBe(7);
  });

  test('a used frame id hides nothing: what stands under it a second time is given and told', async () => {
    const id = frameId();
    await small.store(noon, [{ id, lines: insert(1, noon) }]);
    const key = await small.store(noon + second, [{ id, lines: insert(2, noon + second) }]);
    const { found, findings } = await scan();
    expect(found).toHaveLength(2);
    expect(findings).toMatchObject([{ code: 'frame-contradicts', object: key, offset: 0 }]);
  });

  test('the same id at two drains is two frames', async () => {
    const id = frameId();
    await small.store(noon, [{ id, token: 'd.1', lines: [otherLine(noon)] }]);
    await small.store(noon, [{ id, token: 'd.2', lines: [otherLine(noon)] }]);
    const { found, findings } = await scan();
    expect(found).toHaveLength(2);
    expect(findings).toEqual([]);
  });

  test('a frame without an id that comes twice gives its messages once, split ones too', async () => {
    const lines = insert(1, noon, '\n-- and more');
    await small.store(noon, [{ lines: lines.slice(0, 1) }]);
    await small.store(noon + second, [{ lines: lines.slice(1) }]);
    await small.store(noon + 2 * second, [{ lines: lines.slice(1) }]);
    const { found } = await scan();
    expect(found.map(({ record }) => record.complete)).toEqual([true]);
  });

  test('two drains that carry the same lines give each record once', async () => {
    for (const token of ['d.1', 'd.2']) {
      await small.store(noon, [{ id: frameId(), token, lines: insert(1, noon) }]);
    }
    expect((await scan()).found).toHaveLength(1);
  });

  test('two records that claim one session and number are both given where they read otherwise', async () => {
    await small.store(noon, [{ id: frameId(), lines: insert(1, noon) }]);
    const lines = herokuMessage({
      atMs: noon,
      logLine: 1,
      number: 5,
      text: 'statement: drop table users',
    });
    await small.store(noon, [{ id: frameId(), lines }]);
    expect((await scan()).found).toHaveLength(2);
  });

  test('lines of an application that read the same are each a line', async () => {
    await small.store(noon, [{ lines: [otherLine(noon)] }]);
    await small.store(noon, [{ lines: [otherLine(noon)] }]);
    expect((await scan()).found).toHaveLength(2);
  });

  test('the span holds its beginning and not its end', async () => {
    for (const [index, at] of [noon - 1, noon, noon + 59_999, noon + 60_000].entries()) {
      await small.store(at, [{ id: frameId(), lines: insert(index, at) }]);
    }
    const { messages } = await scan({ since: noon, until: noon + 60_000 });
    expect(messages).toEqual([
      'statement: insert into users values (1)',
      'statement: insert into users values (2)',
    ]);
  });

  test('lines that arrived a day late, and lines behind a key of the day before, are found', async () => {
    await small.store(noon + 23 * hour, [{ id: frameId(), lines: insert(1, noon) }]);
    await small.store(noon - 23 * hour, [{ id: frameId(), lines: insert(2, noon) }]);
    expect((await scan()).found).toHaveLength(2);
    expect((await scan({ lateMs: hour })).found).toHaveLength(0);
  });

  test('an object stored before the span began is not even read', async () => {
    await small.store(noon, [{ id: frameId(), lines: insert(1, noon) }]);
    const read: string[] = [];
    const now = Date.now();
    const archive = {
      ...small,
      archive: {
        ...small.archive,
        read: (key: string) => {
          read.push(key);
          return small.archive.read(key);
        },
      },
    };
    const key = await small.store(now - 12 * hour, [{ id: frameId(), lines: insert(2, now) }]);
    // Stored now, so it may hold lines of now, though its key is of twelve hours ago.
    await scan({ since: now - 60_000, until: now + 60_000 }, archive);
    expect(read).toEqual([key]);
    await scan({ since: now + hour, until: now + 2 * hour }, archive);
    expect(read).toEqual([key]);
  });

  test('objects from before us are read: plain gzip, several members, a line cut between two', async () => {
    const body = encodeFrame([...insert(1, noon), ...insert(2, noon)]);
    const cut = body.length - 40;
    const object = Buffer.concat([
      gzipSync(encodeFrame(insert(3, noon))),
      gzipSync(body.subarray(0, cut)),
      gzipSync(body.subarray(cut)),
    ]);
    await small.sink.put(arrivalKey('raxx', noon), object);
    const { found, findings } = await scan();
    expect(found.map(({ record }) => record.logLine)).toEqual([1, 2, 3]);
    expect(findings).toEqual([]);
  });

  test('an object whose name tells no time is read too, and upsets nothing', async () => {
    const frame = { id: frameId(), lines: [...insert(1, noon), otherLine(noon)] };
    await small.store(noon, [frame]);
    const folder = join(small.folder, 'logs/raxx/2026/06/30');
    await writeFile(join(folder, '1-by-hand.gz'), await objectOf(noon, [frame]));
    await writeFile(join(folder, '9-by-hand.gz'), gzipSync(encodeFrame(insert(2, noon))));
    await small.store(noon + hour, [frame]);
    expect((await scan()).found).toHaveLength(3);
  });

  test('a corrupt member is told with its place, and what stands around it is given', async () => {
    const frames = [1, 2, 3].map((line) => ({ id: frameId(), lines: insert(line, noon) }));
    const parts = await Promise.all(frames.map((frame) => objectOf(noon, [frame])));
    const object = Buffer.concat(parts);
    const offset = parts[0]?.length ?? 0;
    const middle = offset + (parts[1]?.length ?? 0) - 20;
    object[middle] = (object[middle] ?? 0) ^ 0xff;
    const key = arrivalKey('raxx', noon);
    await small.sink.put(key, object);
    const { found, findings } = await scan();
    expect(found.map(({ record }) => record.logLine)).toEqual([1, 3]);
    expect(findings).toMatchObject([{ code: 'object-corrupt', object: key, offset }]);
  });

  test('the good copy of a frame counts where the other is corrupt', async () => {
    const frame = { id: frameId(), lines: insert(1, noon) };
    const object = Buffer.from(await objectOf(noon, [frame]));
    object[object.length - 6] = (object[object.length - 6] ?? 0) ^ 1;
    await small.sink.put(arrivalKey('raxx', noon), object);
    await small.store(noon + second, [frame]);
    const { found, findings } = await scan();
    expect(found).toHaveLength(1);
    expect(findings).toHaveLength(1);
  });

  test('bytes of a frame that are no lines are told, and the lines beside them given', async () => {
    const body = Buffer.concat([encodeFrame(insert(1, noon)), Buffer.from('what is this?\n')]);
    const key = arrivalKey('raxx', noon);
    await small.sink.put(key, gzipSync(body));
    await small.sink.put(arrivalKey('raxx', noon), Buffer.from('not gzip'));
    await small.sink.put(arrivalKey('raxx', noon), new Uint8Array());
    const { found, findings } = await scan();
    expect(found).toHaveLength(1);
    expect(findings.map(({ code }) => code).sort()).toEqual([
      'frame-unreadable',
      'object-corrupt',
      'object-corrupt',
    ]);
    expect(findings.find(({ object }) => object === key)?.sentence).toContain('14 bytes');
  });

  test('an object that vanishes between listing and reading is told', async () => {
    const key = await small.store(noon, [{ id: frameId(), lines: insert(1, noon) }]);
    const gone = {
      ...small,
      archive: { ...small.archive, read: () => small.archive.read(`${key}x`) },
    };
    expect((await scan({}, gone)).findings).toMatchObject([
      { code: 'object-unreadable', object: key },
    ]);
  });

  test('a scan whose records do not all fit into memory still gives each, nearly in order', async () => {
    for (let index = 0; index < 40; index++) {
      const arrived = noon + index * second;
      // Each object brings its records in reverse.
      const lines = [1, 0].flatMap((back) => insert(2 * index + back, arrived + back * 100));
      await small.store(arrived, [{ id: frameId(), lines }]);
    }
    const { found } = await scan({ holdBytes: 15_000 });
    expect(found.map(({ record }) => record.logLine)).toEqual([...Array(80).keys()]);
  });

  test('a scan that is stopped ends', async () => {
    for (let index = 0; index < 30; index++) {
      await small.store(noon + index, [{ id: frameId(), lines: insert(index, noon + index) }]);
    }
    const stop = new AbortController();
    let objects = 0;
    const onProgress = (progress: { objects: number }) => {
      objects = progress.objects;
      if (objects === 3) stop.abort();
    };
    const { found } = await scan({ signal: stop.signal, onProgress });
    expect(objects).toBe(3);
    expect(found).toEqual([]);
  });

  test('all of two thousand objects is read', async () => {
    await small.store(noon - second, []);
    // Not through the sink, which makes each durable: here it is the reading that counts.
    const write = async (index: number) => {
      const at = noon + index * second;
      const lines = [0, 1].flatMap((line) =>
        herokuMessage({
          atMs: at,
          logLine: index * 2 + line,
          text: `statement: insert into users values (${index})\n-- ${line}`,
        }),
      );
      const object = await objectOf(at, [{ id: frameId(), lines }]);
      await writeFile(join(small.folder, arrivalKey('raxx', at)), object);
    };
    for (let from = 0; from < 2_000; from += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, index) => write(from + index)));
    }
    const { found } = await scan();
    expect(found).toHaveLength(4_000);
  });
});

function otherLine(atMs: number): SyslogLine {
  return {
    pri: 190,
    timestamp: `${new Date(atMs).toISOString().slice(0, 19)}+00:00`,
    host: 'host',
    app: 'app',
    procid: 'web.1',
    msgid: '-',
    message: Buffer.from('State changed from up to down'),
  };
}
