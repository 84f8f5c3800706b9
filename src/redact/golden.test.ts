import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { goldenCaptures, readGolden } from '../../test/rig/golden-files.ts';
import { recordsOf } from '../../test/rig/golden-truth.ts';
import type { SentStatement } from '../../test/rig/golden-workload.ts';
import { encodeFrame, parseFrame } from '../logplex/frame.ts';
import { splitJsonLine } from '../logplex/json-chunk.ts';
import type { LogRecord } from '../logplex/record.ts';
import { createRedactor, type Redactor } from './redactor.ts';

let redactor: Redactor;
beforeAll(async () => {
  redactor = await createRedactor('a key of thirty-two characters at least');
});

/** What clients sent that is nobody's word but theirs: literals that could not be a name, and parameters. */
function sentValues(sent: readonly SentStatement[]): string[] {
  const literals = sent.flatMap(({ sql }) => [...sql.matchAll(/'((?:[^']|'')*)'/g)]);
  const values = sent.flatMap(({ values }) => values ?? []).filter((value) => value !== null);
  const lines = [...literals.map((match) => match[1] ?? ''), ...values].flatMap((text) =>
    text.split(/[\n\t]/),
  );
  return lines.filter((text) => text.length >= 6 && /[^A-Za-z_]/.test(text));
}

const tokens = /pgw:[0-9a-f]{32}/g;
const settled = /pgw:[0-9a-f]{32}|\[redacted \d+ bytes\]/g;

function facts(record: LogRecord) {
  const { kind, session, logLine, severity, sqlState, user, application, complete } = record;
  // A line of no known form that somebody raised goes whole, and no longer reads like a witness line.
  return {
    ...{ session, logLine, severity, sqlState, user, application, complete },
    kind: kind === 'witness' ? 'log' : kind,
  };
}

const words = (text: string) =>
  text.replaceAll(/'[^']*'|\$\$[\s\S]*\$\$|--.*|\b\d+\b/g, '').match(/\w+/g);

describe.each(goldenCaptures)('$name, redacted', ({ name }) => {
  const golden = readGolden(name);
  let redacted: Uint8Array;
  let records: LogRecord[];
  beforeAll(async () => {
    redacted = await redactor.redact(golden.frame);
    records = recordsOf(parseFrame(redacted).lines);
  });

  it('holds no value that the clients sent', () => {
    const text = Buffer.from(redacted).toString('utf8');
    const values = sentValues(golden.sent);
    expect(values.length).toBeGreaterThan(30);
    // The one name that begins with what is a literal elsewhere stays in the prefix.
    const left = values.filter((value) => text.includes(value));
    expect(left.filter((value) => !value.includes('drop table users'))).toEqual([]);
    for (const { statement = '' } of records) {
      expect(statement.replaceAll(settled, '').match(/(?<![\w$])\d+/g)).toBeNull();
    }
  });

  it('gives the records with their facts, each as whole as before', () => {
    expect(records.map(facts)).toEqual(golden.records.map(facts));
    for (const [index, { ambiguous }] of records.entries()) {
      if (golden.records[index]?.ambiguous === undefined) expect(ambiguous).toBeUndefined();
    }
  });

  it('keeps the words of each statement that was told without doubt', () => {
    for (const [index, before] of golden.records.entries()) {
      if (before.kind !== 'statement' || before.ambiguous || /\bdo \$\$/.test(before.message))
        continue;
      const after = records[index]?.statement ?? '';
      if (/^-- /.test(before.statement ?? '')) continue;
      expect(words(after), before.message).toEqual(words(before.statement ?? ''));
    }
  });

  it('is the same each time, and stays as it is when redacted again', async () => {
    expect(Buffer.compare(await redactor.redact(golden.frame), redacted)).toBe(0);
    expect(Buffer.compare(await redactor.redact(redacted), redacted)).toBe(0);
  });
});

describe('the jsonlog of a capture', () => {
  const asFrame = (name: string, longest: number) => {
    const lines = Buffer.from(readGolden(name).json ?? [])
      .toString('utf8')
      .trimEnd()
      .split('\n');
    return encodeFrame(
      lines.flatMap((line, index) =>
        splitJsonLine(Buffer.from(line), longest, `golden:${index}`).map((message) => ({
          ...{ pri: 134, timestamp: '2026-11-24T12:14:51+00:00', host: 'host', app: 'app' },
          ...{ procid: 'postgres.7', msgid: '-', message },
        })),
      ),
    );
  };

  it.each(['postgres-15-session', 'postgres-18-session'])(
    '%s is told as from syslog',
    async (name) => {
      const { sent, frame } = readGolden(name);
      const whole = await redactor.redact(asFrame(name, 10_000));
      const inParts = await redactor.redact(asFrame(name, 300));
      const text = Buffer.from(whole).toString('utf8');
      const left = sentValues(sent).filter((value) => text.includes(value));
      expect(left.filter((value) => !value.includes('drop table users'))).toEqual([]);
      const records = recordsOf(parseFrame(whole).lines);
      expect(recordsOf(parseFrame(inParts).lines)).toEqual(records);
      // One value has one token, whatever brings it.
      const known = new Set(
        Buffer.from(await redactor.redact(frame))
          .toString('latin1')
          .match(tokens),
      );
      const others = new Set(text.match(tokens));
      expect([...others].filter((token) => known.has(token)).length).toBeGreaterThan(
        0.8 * others.size,
      );
    },
  );
});

it.each(['session', 'essential'])('witness lines stay as they are: %s', async (prefix) => {
  const url = new URL(`../../test/golden/postgres-18-witness-${prefix}.frame`, import.meta.url);
  const frame = readFileSync(url);
  const witnesses = (body: Uint8Array) =>
    recordsOf(parseFrame(body).lines)
      .filter(({ kind }) => kind === 'witness')
      .map(({ message, context, ambiguous }) => ({ message, context, ambiguous }));
  const before = witnesses(frame);
  expect(before.length).toBeGreaterThan(10);
  const after = witnesses(await redactor.redact(frame));
  expect(after.map(({ message }) => message)).toEqual(before.map(({ message }) => message));
  expect(after.map(({ ambiguous }) => ambiguous)).toEqual(before.map(({ ambiguous }) => ambiguous));
  // What tells who raised it stands first.
  const first = (text: string | undefined) => text?.split('\n').slice(0, 1);
  expect(after.map(({ context }) => first(context))).toEqual(
    before.map(({ context }) => first(context)),
  );
});
