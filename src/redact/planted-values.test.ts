import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { literals, type PlantedShape, plantedShapes } from '../../test/rig/planted-shapes.ts';
import { leakFinder, plantedValues } from '../../test/rig/planted-values.ts';
import type { ServerSession } from '../../test/rig/postgres-syslog.ts';
import { encodeFrame, parseFrame } from '../logplex/frame.ts';
import { fromPostgres } from '../logplex/line-record.ts';
import type { SyslogLine } from '../logplex/syslog-line.ts';
import { createRedactor, type Redactor } from './redactor.ts';

const prefixes = ['session', 'essential', 'plain'] as const;
const sessionOf = (prefix: ServerSession['prefix'], pid = 4242): ServerSession => ({
  ...{ prefix, pid, user: 'raptor_app', application: 'web' },
});

const innocent = prefixes.flatMap((prefix) =>
  [0, 40].map((filler) =>
    encodeFrame(
      plantedShapes.flatMap((shape, index) =>
        literals.flatMap((literal) =>
          shape.lines('5', { session: sessionOf(prefix), number: index + 1, filler, literal }),
        ),
      ),
    ),
  ),
);
const leaksOf = leakFinder(innocent);

let redactor: Redactor;
beforeAll(async () => {
  redactor = await createRedactor('a key of thirty-two characters at least');
});

/** Redacts and holds what came out against what went in. */
async function redactAndCheck(body: Uint8Array): Promise<Uint8Array> {
  const redacted = await redactor.redact(body);
  expect(leaksOf(redacted)).toEqual([]);
  const [before, after] = [parseFrame(body), parseFrame(redacted)];
  expect(after.lines.map(headerOf)).toEqual(before.lines.map(headerOf));
  expect(after.faults.map(({ reason }) => reason)).toEqual(
    before.faults.map(({ reason }) => reason),
  );
  expect(Buffer.compare(await redactor.redact(redacted), redacted)).toBe(0);
  return redacted;
}

const readsLikeName = /^(?:[\p{L}_][\p{L}\p{N}_$]*|"[^"]*")$/u;
const fits = ({ holdsName }: PlantedShape, value: string) =>
  !holdsName || !readsLikeName.test(value);

const chunkHead = /^\[(?:json \S+ \d+|YELLOW\] \[\d+-\d+)/;
function headerOf(line: SyslogLine): string {
  const { message, ...header } = line;
  const known = fromPostgres(line) && !message.includes(0x0a);
  const text = known ? Buffer.from(message.subarray(0, 120)).toString('latin1') : '';
  return `${JSON.stringify(header)} ${chunkHead.exec(text)?.[0] ?? ''}`;
}

describe('zero bytes of a planted value', () => {
  it('are looked for in a way that finds them', () => {
    for (const value of plantedValues) {
      const bytes = Buffer.from(value);
      const forms = [
        bytes,
        bytes.subarray(0, bytes.length / 2),
        Buffer.from(bytes.toString('hex')),
      ];
      for (const form of forms.filter(({ length }) => length >= 10)) {
        expect(leaksOf(Buffer.concat([Buffer.from('x'), form])), value).not.toEqual([]);
      }
    }
    for (const frame of innocent) expect(leaksOf(frame)).toEqual([]);
  });

  it.each(plantedShapes)('are left in: $name', async (shape) => {
    for (const [index, value] of plantedValues.entries()) {
      if (!fits(shape, value)) continue;
      const messages = [
        [0, 300, 590],
        [40, 520, 888],
        [840, 700, 0],
      ][index % 3]?.map((filler, at) =>
        shape.lines(value, {
          session: sessionOf(prefixes[(index + at) % prefixes.length] ?? 'plain'),
          number: 10 + at,
          filler,
          literal: literals[(index + at) % literals.length] ?? String,
        }),
      );
      await redactAndCheck(encodeFrame(messages?.flat() ?? []));
    }
  });

  const message = fc
    .record({
      shape: fc.constantFrom(...plantedShapes),
      value: fc.constantFrom(...plantedValues),
      literal: fc.constantFrom(...literals),
      prefix: fc.constantFrom(...prefixes),
      filler: fc.nat({ max: 1_000 }),
      number: fc.integer({ min: 1, max: 4 }),
      pid: fc.constantFrom(11, 12),
    })
    .filter(({ shape, value }) => fits(shape, value))
    .map(({ shape, value, prefix, pid, ...given }) =>
      shape.lines(value, { ...given, session: sessionOf(prefix, pid) }),
    );

  it('are left where lines are lost, come twice, out of order and in several frames', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 1, maxLength: 5 }).chain((messages) => {
          const lines = messages.flat();
          return fc.record({
            order: fc.oneof(fc.constant(lines), fc.shuffledSubarray(lines), fc.subarray(lines)),
            twice: fc.subarray(lines, { maxLength: Math.min(3, lines.length) }),
            cuts: fc.array(fc.nat({ max: 30 }), { maxLength: 4 }),
          });
        }),
        async ({ order, twice, cuts }) => {
          const lines = [...order, ...twice];
          let at = 0;
          for (const cut of [...cuts, lines.length]) {
            await redactAndCheck(encodeFrame(lines.slice(at, at + cut)));
            at += cut;
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('are left where bytes are cut off, changed and put between the lines', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 1, maxLength: 3 }),
        fc.array(
          fc.tuple(
            fc.double({ min: 0, max: 1, noNaN: true }),
            fc.constantFrom('cut', 'join', 'flip', 'put'),
          ),
          { minLength: 1, maxLength: 3 },
        ),
        fc.constantFrom(...plantedValues),
        async (messages, changes, value) => {
          let body = Buffer.from(encodeFrame(messages.flat()));
          for (const [place, change] of changes) {
            const at = Math.floor(place * body.length);
            const [before, after] = [body.subarray(0, at), body.subarray(at)];
            if (change === 'cut') body = Buffer.from(before);
            else if (change === 'join') body = Buffer.concat([before, after.subarray(7)]);
            else if (change === 'put')
              body = Buffer.concat([before, Buffer.from(`\n${value}\n`), after]);
            else
              body = Buffer.concat([before, Buffer.of((after[0] ?? 0) ^ 0x80), after.subarray(1)]);
          }
          const redacted = await redactor.redact(body);
          expect(leaksOf(redacted)).toEqual([]);
          expect(Buffer.compare(await redactor.redact(redacted), redacted)).toBe(0);
          expect(parseFrame(redacted).lines).toHaveLength(parseFrame(body).lines.length);
        },
      ),
      { numRuns: 100 },
    );
  });
});
