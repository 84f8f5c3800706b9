import type { DemoStep } from '../../demo/demo.ts';
import { defineVerb } from '../define-verb.ts';
import { jsonFlag } from '../flags.ts';

interface Flags {
  readonly once: boolean;
  readonly json: boolean;
  readonly dir?: string;
  readonly writes: number;
}

export const demoVerb = defineVerb<Flags>({
  brief: 'Run the whole way of a change on this machine and prove it',
  detail:
    'Starts a Postgres 18, a receiver and a shipper of its own, installs capture in the world of examples/raxx, lets a small application write and runs the smoke test. Stays up until Ctrl-C.',
  examples: [
    ['pgwitness demo', 'see it work, then look around until Ctrl-C'],
    ['pgwitness demo --once', 'exit 0 once the proof stands, 1 when it does not'],
    ['pgwitness demo --once --json', 'the same for a script: one JSON object a line'],
  ],
  parameters: {
    flags: {
      once: { kind: 'boolean', brief: 'End after the proof', default: false, withNegated: false },
      json: jsonFlag,
      dir: {
        kind: 'parsed',
        parse: String,
        brief: 'New, empty or earlier folder of a demo (.pgwitness-demo)',
        placeholder: 'folder',
        optional: true,
      },
      writes: {
        kind: 'parsed',
        parse: wholeNumber,
        brief: 'Transactions that the application tries before the proof',
        placeholder: 'count',
        default: '400',
      },
    },
  },
  async run(cli, flags) {
    const { resolve } = await import('node:path');
    const { demoDirectory, runDemo } = await import('../../demo/demo.ts');
    const { DemoPrinter } = await import('../demo-printer.ts');
    const printer = new DemoPrinter(cli, flags.json);
    printer.begin();
    try {
      const demo = await runDemo({
        directory: flags.dir === undefined ? demoDirectory(cli.cwd) : resolve(cli.cwd, flags.dir),
        writes: flags.writes,
        signal: cli.signal,
        now: cli.now,
        env: cli.env,
        onStep: (step: DemoStep) => printer.step(step),
        onComplaint: (what) => printer.complaint(what),
        onRestart: (what) => printer.restart(what),
        onRunning: (pids) => printer.running(pids),
      });
      try {
        printer.proof(demo.proof);
        if (flags.once) return demo.proof.ok ? 0 : 1;
        printer.next(demo.deployment);
        await demo.keepWriting();
        return demo.proof.ok ? 0 : 1;
      } finally {
        printer.end();
        await demo.stop();
      }
    } catch (error) {
      if (!cli.signal.aborted) throw error;
      // Ctrl-C before the proof stood: everything has been stopped, nothing was proven.
      printer.end();
      return 1;
    }
  },
});

function wholeNumber(text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text))
    throw new RangeError(`"${text}" is not a whole number from 1 to 999999`);
  return Number(text);
}
