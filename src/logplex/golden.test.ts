import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hostileApplication, type SentStatement } from '../../test/rig/golden-workload.ts';
import { parseFrame } from './frame.ts';
import { jsonLogRecord } from './json-log.ts';
import type { LogRecord } from './record.ts';
import { createStitcher } from './stitch.ts';
import type { SyslogLine } from './syslog-line.ts';

const folder = new URL('../../test/golden/', import.meta.url);

function recordsOf(lines: readonly SyslogLine[]): LogRecord[] {
  const stitcher = createStitcher<number>();
  const out = lines.flatMap((line, index) => stitcher.push(line, index));
  return [...out, ...stitcher.flush()].map((each) => each.record);
}

for (const name of [
  'postgres-18-session',
  'postgres-15-session',
  'postgres-18-plain',
  'postgres-18-essential',
  'postgres-15-essential',
]) {
  describe(name, () => {
    const frame = readFileSync(new URL(`${name}.frame`, folder));
    const sent = JSON.parse(
      readFileSync(new URL(`${name}.sent.json`, folder), 'utf8'),
    ) as SentStatement[];
    const { lines } = parseFrame(frame);
    const records = recordsOf(lines);
    it('x', () => {
      const statements = records
        .filter((r) => r.kind === 'statement' && !r.ambiguous)
        .map((r) => r.statement);
      const missing = sent.filter((s) => !statements.includes(s.sql));
      console.log(
        name,
        records.length,
        statements.length,
        sent.length,
        missing.map((m) => [m.application, m.sql.slice(0, 90)]),
      );
      console.log(records.filter((r) => r.ambiguous).map((r) => JSON.stringify(r).slice(0, 1200)));
      const known = new Set(sent.map((s) => s.sql));
      console.log(
        'unknown',
        statements.filter((s) => !known.has(s ?? '')),
      );
    });
    if (name.endsWith('session')) {
      it('json', () => {
        const jsonl = readFileSync(new URL(`${name}.jsonlog`, folder));
        const header = lines[0] as SyslogLine;
        const fromJson = jsonl
          .toString('utf8')
          .trimEnd()
          .split('\n')
          .map((l) => jsonLogRecord(header, Buffer.from(l)));
        const bySession = (rs: LogRecord[]) => Map.groupBy(rs, (r) => r.session);
        const a = bySession(fromJson);
        const b = bySession(records);
        for (const [session, expected] of a) {
          const got = b.get(session) ?? [];
          if (got.length !== expected.length)
            console.log(
              'count',
              session,
              expected.length,
              got.length,
              expected[0]?.message.slice(0, 80),
            );
          for (const [i, e] of expected.entries()) {
            const { logLine: _, procid: _p, ambiguous, ...g } = got[i] ?? ({} as LogRecord);
            const { logLine: __, procid: __p, ...x } = e;
            if (ambiguous) continue;
            try {
              expect(g).toEqual(x);
            } catch (err) {
              console.log((err as Error).message.slice(0, 1500));
            }
          }
        }
      });
    }
  });
}
void hostileApplication;
