import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  herokuMessage,
  lossLine,
  makeSmallArchive,
  type SmallArchive,
} from '../../test/rig/small-archive.ts';
import { arrivalKey } from '../sink/object-key.ts';
import { watchArchive } from './watch-archive.ts';

const hour = 3_600_000;
const nonce = '0123456789abcdef';

let small: SmallArchive;
beforeEach(async () => {
  small = await makeSmallArchive('raxx');
});
afterEach(() => small.remove());

const watch = () => watchArchive(small.archive, 'raxx', [nonce], Date.now);
const tracer = (logLine = 1) =>
  herokuMessage({
    atMs: Date.now(),
    logLine,
    text: `statement: insert into t values ('${nonce}')`,
  });

describe('watchArchive', () => {
  test('a tracer in the last line of a message is found though nothing says the message is over', async () => {
    const looking = await watch();
    const key = await small.store(Date.now(), [{ lines: tracer() }]);
    const [sighting] = await looking.look();
    expect(sighting).toMatchObject({ objects: [key], record: { user: 'raptor_app' } });
  });

  test('a nonce that is cut between two chunks, objects and looks is found with the last', async () => {
    // As Postgres cuts: before white space within 900 bytes, within a word that is longer.
    const value = ` ('${'p'.repeat(900 - 3 - 7)}${nonce}')`;
    const [line] = herokuMessage({ atMs: Date.now(), text: 'statement: insert into t values' });
    if (line === undefined) throw new Error('no line');
    const chunk = (number: number, text: string) => ({
      ...line,
      message: Buffer.from(`[RED] [1-${number}] ${text}`),
    });
    const chunks = [line, chunk(2, value.slice(0, 900)), chunk(3, value.slice(900))];
    const looking = await watch();
    const keys: string[] = [];
    const found: number[] = [];
    for (const one of chunks) {
      keys.push(await small.store(Date.now(), [{ lines: [one] }]));
      // Lines of other processes in between.
      await small.store(Date.now(), [
        { lines: herokuMessage({ atMs: Date.now(), text: 'statement: select 1', process: 8 }) },
      ]);
      const sightings = await looking.look();
      found.push(sightings.length);
      if (sightings.length > 0) expect(sightings[0]?.objects).toEqual(keys);
    }
    expect(found).toEqual([0, 0, 1]);
  });

  test('of several new objects each is looked at, not the newest alone', async () => {
    const looking = await watch();
    await small.store(Date.now() - 5_000, [{ lines: tracer() }]);
    await small.store(Date.now(), [
      { lines: herokuMessage({ atMs: Date.now(), text: 'statement: select 1', process: 8 }) },
    ]);
    expect(await looking.look()).toHaveLength(1);
    expect(looking.seen).toMatchObject({ objects: 2, postgresLines: 2 });
  });

  test('what was there before is not new, and nothing is read twice', async () => {
    await small.store(Date.now(), [{ lines: tracer() }]);
    const looking = await watch();
    expect(await looking.look()).toEqual([]);
    await small.store(Date.now(), [{ lines: tracer(2) }]);
    expect(await looking.look()).toHaveLength(1);
    expect(await looking.look()).toEqual([]);
    expect(looking.seen.objects).toBe(1);
  });

  test('an object whose key is hours old is found by the look far back', async () => {
    const looking = await watch();
    const key = await small.store(Date.now() - 5 * hour, [{ lines: tracer() }]);
    expect(await looking.look()).toEqual([]);
    expect(await looking.lookFarBack()).toMatchObject([{ objects: [key] }]);
  });

  test("losses and what can't be read are counted", async () => {
    const looking = await watch();
    await small.store(Date.now(), [{ lines: [lossLine(Date.now(), 7, Date.now() - 1_000)] }]);
    await small.sink.put(arrivalKey('raxx', Date.now()), Buffer.from('no gzip'));
    await looking.look();
    expect(looking.seen.lost).toBe(7);
    expect(looking.seen.unread.join()).toContain('not gzip');
  });
});
