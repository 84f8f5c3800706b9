import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { checkCases } from './check-cases.ts';
import { startOracleWorld } from './oracle-world.ts';

/** The long form of oracle.test.ts: thousands of cases, with another seed each time. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '2000' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      path: { type: 'string' },
      longest: { type: 'string', default: '40' },
      server: { type: 'string', default: 'both' },
      'shrink-minutes': { type: 'string', default: '600' },
    },
  });
  const debian = '/usr/lib/postgresql/15/bin';
  const servers = new Map<string, string | undefined>([['18', undefined]]);
  if (existsSync(debian)) servers.set('15', debian);
  const asked = values.server === 'both' ? [...servers.keys()] : [values.server];
  let failed = 0;
  for (const server of asked) {
    if (!servers.has(server)) {
      console.error(
        `There is no Postgres ${server} here; there is: ${[...servers.keys()].join(', ')}.`,
      );
      return 2;
    }
    const world = await startOracleWorld(servers.get(server));
    const began = Date.now();
    let shown = began;
    const count = { cases: 0, changes: 0, statements: 0 };
    try {
      const outcome = await checkCases(world, {
        runs: Number(values.runs),
        seed: Number(values.seed),
        longest: Number(values.longest),
        timeLimitMs: Number(values['shrink-minutes']) * 60_000,
        ...(values.path === undefined ? {} : { path: values.path }),
        onCase: ({ compared, executed }) => {
          count.cases += 1;
          count.changes += compared;
          count.statements += executed.length;
          if (Date.now() - shown < 10_000) return;
          shown = Date.now();
          console.log(
            `Postgres ${server}: ${count.cases} cases, ${count.statements} statements, ${count.changes} changes compared, ${Math.round((shown - began) / 1000)} s`,
          );
        },
      });
      console.log(
        `Postgres ${server}, seed ${values.seed}: ${outcome.failure ?? `${outcome.runs} cases, ${outcome.compared} changes, all told as they were committed`}`,
      );
      if (outcome.failure !== undefined) failed += 1;
    } finally {
      await world.stop();
    }
  }
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
