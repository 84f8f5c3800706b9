import { relative } from 'node:path';
import pc from 'picocolors';
import type { DemoStep, Proof } from '../demo/demo.ts';
import type { Deployment } from '../demo/deployment.ts';
import type { Cli } from './context.ts';
import { harmlessText } from './harmless-text.ts';

/** Shows a demo as it happens: lines for a person, or one JSON object a line. */
export class DemoPrinter {
  readonly #cli: Cli;
  readonly #json: boolean;
  readonly #paint: ReturnType<typeof pc.createColors>;

  constructor(cli: Cli, json: boolean) {
    this.#cli = cli;
    this.#json = json;
    this.#paint = pc.createColors(cli.terminal);
  }

  begin(): void {
    if (!this.#json) this.#line(this.#paint.bold('The way of a change, on this machine'));
  }

  step(step: DemoStep): void {
    if (this.#json) {
      this.#object({ step: step.title, ok: step.ok, ms: step.ms, detail: step.detail });
      return;
    }
    const mark = step.ok ? this.#paint.green('✓') : this.#paint.red('✗');
    const time = `${(step.ms / 1000).toFixed(2)} s`.padStart(8);
    this.#line(`  ${mark} ${this.#paint.dim(time)}  ${step.title}`);
    if (step.detail !== undefined && !step.ok)
      this.#line(`               ${harmlessText(step.detail)}`);
  }

  restart(what: { part: string; pid: number; ended: string }): void {
    if (this.#json) {
      this.#object({ restarted: what.part, pid: what.pid, ended: what.ended });
      return;
    }
    this.#line(
      `  ${this.#paint.yellow('!')}           \`pgwitness ${what.part}\` ended (${what.ended}) and was started again (process ${what.pid})`,
    );
  }

  complaint(what: { part: string; text: string }): void {
    if (this.#json) this.#object({ complaint: what.text, of: what.part });
    else this.#line(`    pgwitness ${what.part} said: ${harmlessText(what.text)}`);
  }

  running(pids: { postgres: number; receive: number; ship: number }): void {
    if (this.#json) this.#object({ running: pids });
  }

  proof(proof: Proof): void {
    if (this.#json) {
      this.#object({ proof });
      return;
    }
    const { smoke, writes } = proof;
    const none = this.#paint.red('not found');
    const lag = smoke.lagMs === undefined ? none : `${(smoke.lagMs / 1000).toFixed(2)} s`;
    const rows = [
      ['tracer event', smoke.event],
      ['object', smoke.objectKey ?? none],
      ['lag, write to found', lag],
      ['row in history', smoke.historyId ?? none],
      ['committed writes', `${writes.once} of ${writes.committed} in the archive, once each`],
      ['changes of users', `${writes.history} of ${writes.changes} in users_history`],
    ] as const;
    this.#line('');
    for (const [name, value] of rows) this.#line(`  ${name.padEnd(20)}  ${value}`);
    this.#line('');
    this.#line(
      proof.ok
        ? this.#paint.green('Proven: what raptor_app wrote left the database and can be found.')
        : this.#paint.red('Not proven: see the steps marked ✗ above.'),
    );
  }

  next(deployment: Deployment): void {
    if (this.#json) {
      this.#object({ up: true, config: deployment.configPath });
      return;
    }
    const from = (path: string) => relative(this.#cli.cwd, path) || '.';
    const command = `node ${from(process.argv[1] ?? 'pgwitness')}`;
    const config = from(deployment.configPath);
    this.#line(
      `\nIt stays up, raptor_app writes once a second, until Ctrl-C. In another terminal:`,
    );
    for (const line of [
      `. ${from(deployment.envPath)}    # the demo's secrets`,
      `${command} trail --config ${config} --since 10m --table users`,
      `${command} smoke --config ${config}`,
      `${command} plan --config ${config}`,
      `find ${from(deployment.archiveFolder)} -name '*.gz' | tail -1 | xargs zcat`,
    ]) {
      this.#line(`  ${this.#paint.cyan(line)}`);
    }
  }

  end(): void {
    if (!this.#json) {
      this.#line(
        this.#paint.dim('Stopping; configuration and archive stay in the folder of the demo.'),
      );
    }
  }

  #line(text: string): void {
    this.#cli.process.stdout.write(`${text}\n`);
  }

  #object(value: unknown): void {
    this.#cli.process.stdout.write(`${JSON.stringify(value)}\n`);
  }
}
