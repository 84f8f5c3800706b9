import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packFrame } from '../sink/frame-object.ts';
import { parseObjectKey } from '../sink/object-key.ts';
import { readFrames } from '../sink/read-frames.ts';
import type { PutOutcome, Sink } from '../sink/sink.ts';
import type { PackedFrame } from './frame-store.ts';
import { createGroupingStore } from './grouping-store.ts';
import type { IntakeObserver, PutReport } from './intake-observer.ts';

type Act = 'keeps' | 'refuses' | 'keeps and refuses' | 'hangs' | number;

/** A sink in memory whose puts do what `act` says: keep the object, with an error or without, after so many ms, or hang. */
function memorySink(act: (key: string, put: number) => Act = () => 'keeps') {
  const objects = new Map<string, Uint8Array>();
  const puts: string[] = [];
  let running = 0;
  let mostRunning = 0;
  const sink: Sink = {
    description: 'memory',
    async put(key, body): Promise<PutOutcome> {
      const how = act(key, puts.push(key) - 1);
      running += 1;
      mostRunning = Math.max(mostRunning, running);
      try {
        if (how === 'hangs') return await new Promise(() => undefined);
        await sleep(typeof how === 'number' ? how : 0);
        if (how === 'refuses') throw new Error('refused');
        const outcome = objects.has(key) ? 'exists' : 'stored';
        if (outcome === 'stored') objects.set(key, body);
        if (how === 'keeps and refuses') throw new Error('cut');
        return outcome;
      } finally {
        running -= 1;
      }
    },
  };
  return {
    sink,
    objects,
    puts,
    mostRunning: () => mostRunning,
    /** The ids of the frames in each object. */
    ids: () =>
      [...objects.values()].map((object) =>
        [...readFrames(object)].map((frame) => frame.meta?.id ?? 'none'),
      ),
  };
}

function storeOver(sink: Sink) {
  const stored: PutReport[] = [];
  const failed: PutReport[] = [];
  const nothing = () => undefined;
  const observer: IntakeObserver = {
    stored: nothing,
    unavailable: nothing,
    refused: nothing,
    objectStored: (report) => void stored.push(report),
    putFailed: (report) => void failed.push(report),
    oldSecret: nothing,
    unexpected: nothing,
    untold: nothing,
  };
  const store = createGroupingStore(sink, observer);
  return {
    stored,
    failed,
    coming: (prefix: string, connection?: object) => store.coming(prefix, connection),
    /** A frame that comes and is ready at once. */
    store(frame: PackedFrame, within = 4_500, coming = store.coming(frame.prefix)) {
      return store.store(frame, performance.now() + within, coming);
    },
  };
}

const now = Date.now();
const timestamp = new Date(now).toISOString();

async function frame(id: string | null, over: { prefix?: string; body?: Uint8Array } = {}) {
  const body = over.body ?? Buffer.from(`body of ${id}`);
  const content = createHash('sha256').update(body).digest('hex');
  const member = await packFrame(body, {
    ...(id === null ? {} : { id }),
    lines: 1,
    faults: 0,
    losses: [],
    receivedAt: now,
  });
  const repeated = { timestamp, content };
  const prefix = over.prefix ?? 'one';
  return { prefix, id, token: 'd.x', repeated, arrivedAt: now, member };
}

/** Made beforehand: while one is packed, what waits for it may go. */
async function frames<const I extends string>(...ids: I[]): Promise<Record<I, PackedFrame>> {
  const made = await Promise.all(ids.map(async (id) => [id, await frame(id)] as const));
  return Object.fromEntries(made) as Record<I, PackedFrame>;
}

const isDerived = (key: string) => parseObjectKey(key)?.uuid[14] === '8';

test('frames that wait for one that is about to come share its object, whose key none of them derives', async () => {
  const f = await frames('A', 'B', 'C');
  const { sink, ids, puts } = memorySink();
  const { store, coming, stored } = storeOver(sink);
  const last = coming('one', {});
  const waiting = [store(f.A), store(f.B)];
  expect(puts).toEqual([]);
  const answers = await Promise.all([...waiting, store(f.C, 4_500, last)]);
  expect(answers.map((answer) => answer.ok && answer.outcome)).toEqual(Array(3).fill('stored'));
  expect(ids()).toEqual([['A', 'B', 'C']]);
  expect(puts.filter(isDerived)).toEqual([]);
  expect(stored).toMatchObject([{ frames: 3, tries: 1 }]);
});

test('a frame alone takes the key that its retry derives, and the retry is told that it exists', async () => {
  const f = await frames('A');
  const { sink, puts } = memorySink();
  const { store } = storeOver(sink);
  expect(await store(f.A)).toMatchObject({ ok: true, outcome: 'stored' });
  expect(await store(f.A)).toMatchObject({ ok: true, outcome: 'exists' });
  expect(new Set(puts).size).toBe(1);
  expect(puts.every(isDerived)).toBe(true);
});

test('a drain that sends one frame after the other never waits, though other connections are open', async () => {
  const { sink } = memorySink();
  const { store, coming, stored } = storeOver(sink);
  // Kept open and idle since their last frame.
  for (let at = 0; at < 20; at++) coming('one', {}).answered();
  await sleep(10);
  const connection = {};
  for (let at = 0; at < 20; at++) {
    const mine = coming('one', connection);
    await store(await frame(String(at)), 4_500, mine);
    mine.answered();
  }
  expect(stored).toHaveLength(20);
  expect(stored.filter(({ waitedSeconds }) => waitedSeconds > 0.002)).toEqual([]);
});

test('a connection answered a moment ago is waited for, and a request whose body drips for no longer than 20 ms', async () => {
  const f = await frames('A', 'B', 'C', 'D');
  const { sink, ids } = memorySink();
  const { store, coming, stored } = storeOver(sink);
  const other = {};
  coming('one', other).answered();
  const first = store(f.A);
  const next = coming('one', other);
  await Promise.all([first, store(f.B, 4_500, next)]);
  expect(ids()).toEqual([['A', 'B']]);
  coming('one', {});
  await store(f.C);
  // An alarm may ring late on a busy machine, and never early.
  expect(stored[1]?.waitedSeconds).toBeGreaterThan(0.015);
  expect(stored[1]?.waitedSeconds).toBeLessThan(0.5);
  // It still drips, and is waited for no more.
  await store(f.D);
  expect(stored[2]?.waitedSeconds).toBeLessThan(0.005);
});

test('a group is retried under its own key: what persisted without an answer is one object', async () => {
  const f = await frames('A', 'B');
  const { sink, ids, puts, objects } = memorySink((_, put) =>
    put === 0 ? 'keeps and refuses' : 'keeps',
  );
  const { store, coming, stored } = storeOver(sink);
  const last = coming('one', {});
  const answers = await Promise.all([store(f.A), store(f.B, 4_500, last)]);
  expect(answers.map((answer) => answer.ok && answer.outcome)).toEqual(['stored', 'stored']);
  expect(puts).toHaveLength(2);
  expect(objects.size).toBe(1);
  expect(ids()).toEqual([['A', 'B']]);
  expect(stored).toMatchObject([{ frames: 2, tries: 2 }]);
});

test('a regrouped retry hides nobody: {A, B} persisted unanswered, then {A, C} is stored with C', async () => {
  const f = await frames('A', 'B', 'C');
  let down = true;
  const { sink, ids } = memorySink(() => (down ? 'keeps and refuses' : 'keeps'));
  const { store, coming } = storeOver(sink);
  // Persisted, and never told so: as if each retry within the deadline failed before it began.
  const once = new Set<string>();
  const failing: Sink = {
    ...sink,
    put: (key, body) => {
      if (down && once.has(key)) return Promise.reject(new Error('refused'));
      once.add(key);
      return sink.put(key, body);
    },
  };
  const { store: storeFailing, coming: comingFailing } = storeOver(failing);
  const b = comingFailing('one', {});
  const first = await Promise.all([storeFailing(f.A, 200), storeFailing(f.B, 200, b)]);
  expect(first.map(({ ok }) => ok)).toEqual([false, false]);
  down = false;
  const c = coming('one', {});
  const second = await Promise.all([store(f.A), store(f.C, 4_500, c)]);
  expect(second.map(({ ok }) => ok)).toEqual([true, true]);
  expect(ids()).toEqual([
    ['A', 'B'],
    ['A', 'C'],
  ]);
});

test('a retry whose first try is in a group that hangs is not told stored by that, but by a put of its own', async () => {
  const f = await frames('A', 'B');
  const { sink, ids, objects } = memorySink((_, put) =>
    put === 0 ? 'hangs' : put === 1 ? 'refuses' : 'keeps',
  );
  const { store, coming } = storeOver(sink);
  const b = coming('one', {});
  const group = [store(f.A, 1_200), store(f.B, 1_200, b)];
  await sleep(20);
  // Its own put fails, and the group hangs: nothing says that it is stored.
  expect(await store(f.A, 30)).toMatchObject({ ok: false });
  expect(objects.size).toBe(0);
  expect(await store(f.A)).toMatchObject({ ok: true, outcome: 'stored' });
  expect(ids()).toEqual([['A']]);
  expect((await Promise.all(group)).map(({ ok }) => ok)).toEqual([false, false]);
});

test('a frame is answered at its own deadline while the put of its group goes on for the others, and its memory is held so long', async () => {
  const f = await frames('A', 'B');
  const { sink, ids } = memorySink(() => 300);
  const { store, coming } = storeOver(sink);
  const b = coming('one', {});
  const begin = performance.now();
  const early = store(f.A, 100);
  const late = store(f.B, 4_500, b);
  const answer = await early;
  expect(performance.now() - begin).toBeLessThan(280);
  expect(answer).toMatchObject({ ok: false, reason: 'sink' });
  let settled = false;
  answer.settled.then(() => {
    settled = true;
  });
  await sleep(20);
  expect(settled).toBe(false);
  expect(await late).toMatchObject({ ok: true });
  await answer.settled;
  // Stored, though its sender was told to send it again: the reader tells it by its id.
  expect(ids()).toEqual([['A', 'B']]);
});

test('a frame that waits behind puts that hang is given up at its deadline, and is in no later object', async () => {
  const f = await frames('gone', 'stays');
  let down = true;
  const { sink, ids, mostRunning } = memorySink(() => (down ? 'hangs' : 'keeps'));
  const { store } = storeOver(sink);
  const hanging = await Promise.all(Array.from({ length: 16 }, (_, at) => frame(`hangs ${at}`)));
  const all = hanging.map((each) => store(each, 400));
  const gone = await store(f.gone, 50);
  expect(gone).toMatchObject({ ok: false });
  const stays = store(f.stays, 2_000);
  expect(mostRunning()).toBe(16);
  down = false;
  expect((await Promise.all(all)).filter(({ ok }) => ok)).toEqual([]);
  expect(await stays).toMatchObject({ ok: true });
  expect(ids()).toEqual([['stays']]);
});

test('a group that can’t be put fails for each of its frames', async () => {
  const f = await frames('A', 'B');
  const { sink } = memorySink(() => 'refuses');
  const { store, coming, failed } = storeOver(sink);
  const b = coming('one', {});
  const answers = await Promise.all([store(f.A, 200), store(f.B, 200, b)]);
  expect(answers).toMatchObject([
    { ok: false, reason: 'sink' },
    { ok: false, reason: 'sink' },
  ]);
  expect(failed).toMatchObject([{ frames: 2 }]);
});

test('with many frames waiting no more than 16 puts of a prefix are under way, and all are stored', async () => {
  const { sink, ids, mostRunning } = memorySink(() => 20);
  const { store } = storeOver(sink);
  const frames = await Promise.all(Array.from({ length: 200 }, (_, at) => frame(String(at))));
  const answers = await Promise.all(frames.map((each) => store(each)));
  expect(answers.every(({ ok }) => ok)).toBe(true);
  expect(mostRunning()).toBeLessThanOrEqual(16);
  expect(new Set(ids().flat()).size).toBe(200);
  expect(ids().some((group) => group.length > 20)).toBe(true);
});

test('an object of several frames has 8 MB at most, and a giant frame is alone in its own', async () => {
  const f = await frames('last');
  const { sink, objects, ids } = memorySink(() => 30);
  const { store, coming } = storeOver(sink);
  const bodies = Array.from({ length: 20 }, () => randomBytes(900_000));
  const large = await Promise.all(bodies.map((body, at) => frame(String(at), { body })));
  const giant = await frame('giant', { body: randomBytes(5_000_000) });
  const last = coming('one', {});
  const all = [...large.slice(0, 10), giant, ...large.slice(10)].map((each) => store(each));
  all.push(store(f.last, 4_500, last));
  expect((await Promise.all(all)).every(({ ok }) => ok)).toBe(true);
  expect(ids()).toContainEqual(['giant']);
  expect(Math.max(...ids().map(({ length }) => length))).toBe(9);
  expect(new Set(ids().flat()).size).toBe(22);
  for (const object of objects.values()) expect(object.length).toBeLessThanOrEqual(8 * 1024 * 1024);
});

test('puts that hang for one prefix hold up no other', async () => {
  const f = await frames('good');
  const { sink } = memorySink((key) => (key.startsWith('logs/bad/') ? 'hangs' : 'keeps'));
  const { store } = storeOver(sink);
  const bad = await Promise.all(
    Array.from({ length: 40 }, (_, at) => frame(String(at), { prefix: 'bad' })),
  );
  const hanging = bad.map((each) => store(each, 500));
  const begin = performance.now();
  expect(await store(f.good)).toMatchObject({ ok: true });
  expect(performance.now() - begin).toBeLessThan(300);
  expect((await Promise.all(hanging)).filter(({ ok }) => ok)).toEqual([]);
});

test('whatever the sink does, what is told stored stands in an object, and objects of several frames have random keys', async () => {
  const act = fc.constantFrom<Act>('keeps', 'keeps', 'refuses', 'keeps and refuses', 5, 25);
  const sent = fc.record({
    id: fc.constantFrom('A', 'B', 'C', null),
    after: fc.nat(15),
    connection: fc.option(fc.nat(3)),
    within: fc.constantFrom(30, 80, 400),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { minLength: 1, maxLength: 12 }),
      fc.array(sent, { minLength: 1, maxLength: 12 }),
      async (acts, all) => {
        const { sink, objects } = memorySink((_, put) => acts[put % acts.length] ?? 'keeps');
        const { store, coming } = storeOver(sink);
        const connections = [{}, {}, {}, {}];
        await Promise.all(
          all.map(async ({ id, after, connection, within }, at) => {
            await sleep(after);
            const on = connection === null ? undefined : connections[connection];
            const mine = coming('one', on);
            const body = Buffer.from(id === null ? `none ${at}` : `body of ${id}`);
            const answer = await store(await frame(id, { body }), within, mine);
            mine.answered();
            if (!answer.ok) return;
            const held = [...readFrames(objects.get(answer.key) ?? new Uint8Array())];
            expect(held.map((one) => one.kind === 'frame' && Buffer.from(one.body))).toContainEqual(
              body,
            );
          }),
        );
        for (const [key, object] of objects) {
          if ([...readFrames(object)].length > 1) expect(isDerived(key)).toBe(false);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('a store that finds a new random key taken has not stored anything, and the object gets another name', async () => {
  const { sink, objects } = memorySink();
  const puts: string[] = [];
  let lies = 2;
  const lying: Sink = {
    ...sink,
    put: async (key, body) => {
      puts.push(key);
      lies -= 1;
      return lies >= 0 ? 'exists' : sink.put(key, body);
    },
  };
  const { store, failed, coming } = storeOver(lying);
  expect(await store(await frame(null))).toMatchObject({ ok: true, outcome: 'stored' });
  expect([new Set(puts).size, [...objects.keys()]]).toEqual([3, puts.slice(2)]);
  lies = 1_000;
  const f = await frames('A', 'B');
  const last = coming('one', {});
  expect(await Promise.all([store(f.A, 300), store(f.B, 300, last)])).toMatchObject([
    { ok: false, reason: 'sink' },
    { ok: false, reason: 'sink' },
  ]);
  expect(failed).toMatchObject([{ code: 'receive.key-taken' }]);
});

test('a frame that comes to a sound sink too late says nothing of the sink', async () => {
  const { sink } = memorySink(() => 200);
  const { store, failed } = storeOver(sink);
  expect(await store(await frame('A'), 20)).toMatchObject({ ok: false, reason: 'late' });
  expect(failed).toEqual([]);
});
