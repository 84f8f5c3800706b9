import { parseArgs } from 'node:util';

export const usage = `usage: npm run bench:receive [-- flags]
  What the receiver stores in a second, and what that costs, from socket to durable object.
  --quick          one short round without the table of drains, in under 50 s
  --sink NAME      folder (default), or s3: a Ceph RGW started for it
  --rounds N       rounds, of which each figure is the best (default 3; 1 with --quick)
  --drains-only    only the table of what one drain carries before it drops lines
  --help           this text
The last line is JSON: share_per_cpu_s is what the server stores in a CPU second with 50 drains, as part
of what gzip alone packs of the same bytes at the same level; one_drain_lines_s and lines_per_s are lines
of 300 bytes a second from one drain and from 50, each with one request in flight; p99_ms is the time to
the answer at half of the load of 50 drains; rss_mb the server's memory at its most under that of 50.`;

export interface BenchOptions {
  readonly quick: boolean;
  readonly sink: 'folder' | 's3';
  readonly rounds: number;
  readonly drainsOnly: boolean;
}

/** 'help', or what is wrong with the flags as a sentence, or the options. */
export function parseOptions(args: readonly string[]): BenchOptions | 'help' | { wrong: string } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean', default: false },
        sink: { type: 'string', default: 'folder' },
        rounds: { type: 'string' },
        'drains-only': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return 'help';
    const { sink, quick } = values;
    if (sink !== 'folder' && sink !== 's3')
      return { wrong: `--sink ${sink} is neither folder nor s3.` };
    const rounds = values.rounds ?? (quick ? '1' : '3');
    if (!/^[1-9]\d?$/.test(rounds))
      return { wrong: `--rounds ${rounds} is no number from 1 to 99.` };
    return { quick, sink, rounds: Number(rounds), drainsOnly: values['drains-only'] };
  } catch (error) {
    return { wrong: (error as Error).message };
  }
}
