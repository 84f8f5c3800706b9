import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { arrivalKey } from '../../src/sink/object-key.ts';
import type { Archive, ArchiveObject, Sink } from '../../src/sink/sink.ts';

export interface Store {
  readonly sink: Sink;
  readonly archive: Archive;
}

/** What every sink and the archive that reads it promise. `open` gives an empty store. */
export function sinkConformance(open: () => Promise<Store>): void {
  const day = Date.UTC(2026, 5, 30, 12);
  const bytes = (text: string) => new Uint8Array(Buffer.from(text));

  test('an object that was put is listed with its size and reads back byte for byte', async () => {
    const { sink, archive } = await open();
    const key = arrivalKey('a', day);
    const body = Buffer.from(Array.from({ length: 70_000 }, (_, at) => at % 251));
    const before = Date.now();
    expect(await sink.put(key, body)).toBe('stored');
    const [object, ...rest] = await listed(archive, '');
    expect(rest).toEqual([]);
    expect(object).toMatchObject({ key, size: body.length });
    expect(Math.abs((object?.storedAt ?? 0) - before)).toBeLessThan(60_000);
    expect(Buffer.from(await archive.read(key))).toEqual(body);
  });

  test('an empty object is an object', async () => {
    const { sink, archive } = await open();
    const key = arrivalKey('a', day);
    expect(await sink.put(key, bytes(''))).toBe('stored');
    expect((await archive.read(key)).length).toBe(0);
  });

  test('a key that is taken keeps its first object, and the second put is told so', async () => {
    const { sink, archive } = await open();
    const key = arrivalKey('a', day);
    await sink.put(key, bytes('first'));
    expect(await sink.put(key, bytes('second'))).toBe('exists');
    expect(Buffer.from(await archive.read(key)).toString()).toBe('first');
  });

  test('of many puts to one key at once exactly one is stored', async () => {
    const { sink, archive } = await open();
    const key = arrivalKey('a', day);
    const bodies = Array.from({ length: 12 }, (_, at) => `body ${at}`);
    const outcomes = await Promise.all(bodies.map((body) => sink.put(key, bytes(body))));
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
    expect(bodies[outcomes.indexOf('stored')]).toBe(
      Buffer.from(await archive.read(key)).toString(),
    );
  });

  test('keys are listed in byte order, below a prefix, after a key', async () => {
    const { sink, archive } = await open();
    const keys = ['a', 'a-b', 'a.b', 'a0', 'b'].flatMap((prefix) =>
      [day, day + 1, day + 86_400_000].map((time) => arrivalKey(prefix, time)),
    );
    await Promise.all(keys.map((key) => sink.put(key, bytes(key))));
    const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(await keysOf(archive, '')).toEqual(sorted);
    for (const prefix of [
      'logs/a/',
      'logs/a',
      'logs/a/2026/07',
      'logs/b/2026/06/30/',
      'logs/c/',
      'log',
      'x/../logs/',
    ]) {
      expect(await keysOf(archive, prefix)).toEqual(sorted.filter((key) => key.startsWith(prefix)));
    }
    for (const after of [...sorted, 'logs/a/2026/06', 'logs/a-', 'logs/zzz', 'a']) {
      expect(await keysOf(archive, 'logs/', after)).toEqual(sorted.filter((key) => key > after));
    }
  });

  test('a prefix may end amid a name, and a list below it begin amid its keys', async () => {
    const { sink, archive } = await open();
    const keys = ['logs/a/1', 'logs/a/10', 'logs/a/11/x', 'logs/a/2', 'logs/ab/1'];
    await Promise.all(keys.map((key) => sink.put(key, bytes(key))));
    expect(await keysOf(archive, 'logs/a/1', 'logs/a/1')).toEqual(['logs/a/10', 'logs/a/11/x']);
    expect(await keysOf(archive, 'logs/a/1', 'logs/a/11')).toEqual(['logs/a/11/x']);
    expect(await keysOf(archive, 'logs/a/', 'logs/aa')).toEqual([]);
  });

  test('every sign that a key may hold is kept as it is, in its name and in its order', async () => {
    const { sink, archive } = await open();
    const keys = ['-', '.', '0', '=', 'A', '_', 'a', '=.-_Zz9'].map((sign) => `logs/x/d${sign}`);
    await Promise.all(keys.map((key) => sink.put(key, bytes(key))));
    expect(await keysOf(archive, 'logs/x/')).toEqual([...keys].sort());
    for (const key of keys) expect(Buffer.from(await archive.read(key)).toString()).toBe(key);
    expect(await sink.put(keys[7] ?? '', bytes('again'))).toBe('exists');
  });

  test('a large object is whole, and a put does not change the bytes it was given', async () => {
    const { sink, archive } = await open();
    const key = arrivalKey('a', day);
    const body = Buffer.alloc(9_000_000, 'a line of a log\n');
    const view = new Uint8Array(body.buffer, body.byteOffset + 7, body.length - 7);
    expect(await sink.put(key, view)).toBe('stored');
    expect(Buffer.compare(await archive.read(key), view)).toBe(0);
  });

  test('an object that is not there is told by a code of its own', async () => {
    const { archive } = await open();
    await expect(archive.read(arrivalKey('a', day))).rejects.toMatchObject({
      code: 'sink.no-such-object',
    });
  });

  test.each([
    '',
    '/',
    '/etc/passwd',
    '../x',
    'logs/../../x',
    'logs/./x',
    'logs//x',
    'logs/x/',
    '.incoming/x',
    'logs/a\0b',
    'logs/a\nb',
    'logs\\..\\x',
    `logs/${'x'.repeat(2_000)}`,
  ])('a key that could leave the store or hide in it is refused: %j', async (key) => {
    const { sink, archive } = await open();
    await expect(sink.put(key, bytes('x'))).rejects.toMatchObject({ code: 'sink.bad-key' });
    await expect(archive.read(key)).rejects.toMatchObject({ code: 'sink.bad-key' });
  });

  test('a put that was stopped before it began stores nothing', async () => {
    const { sink, archive } = await open();
    await expect(
      sink.put(`logs/a/${randomUUID()}`, bytes('x'), { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'sink.put-stopped' });
    expect(await keysOf(archive, '')).toEqual([]);
  });
}

/** All objects below `prefix`. */
export async function listed(
  archive: Archive,
  prefix: string,
  after = '',
): Promise<ArchiveObject[]> {
  const found: ArchiveObject[] = [];
  for await (const object of archive.list(prefix, { after })) found.push(object);
  return found;
}

async function keysOf(archive: Archive, prefix: string, after = ''): Promise<string[]> {
  return (await listed(archive, prefix, after)).map((object) => object.key);
}
