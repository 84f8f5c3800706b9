import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

const configuration = `version: 1
archive: { folder: archive }
apps:
  raxx:
    drain: { secret_env: RAXX_SECRET }
    database: { owner_url_env: OWNER_URL, owner: owner, tables: [users] }
`;

/** A folder with a pgwitness.yaml, of which `pgwitness receive` runs as a process of its own. */
export function receiverHome() {
  const home = mkdtempSync(join(tmpdir(), 'pgwitness-child-'));
  const children = new Set<ChildProcess>();
  onTestFinished(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  });
  writeFileSync(join(home, 'pgwitness.yaml'), configuration);
  return {
    archive: join(home, 'archive'),
    /** Starts it and resolves once it listens; rejects with its output when it ends before. */
    start,
    /** Runs it to its end. */
    async run(
      args: readonly string[],
      env: Record<string, string> = { RAXX_SECRET: 'secret-one' },
    ) {
      const child = launch(args, env);
      const output = collect(child);
      const [code] = (await once(child, 'close')) as [number | null];
      return { code, ...output() };
    },
  };

  /** `log`: a file descriptor for its stderr, instead of a pipe. */
  async function start(port = 0, log: number | 'pipe' = 'pipe') {
    const args = ['--port', String(port), '--json'];
    const child = launch(args, { RAXX_SECRET: 'secret-one' }, log);
    const output = collect(child);
    const exited = once(child, 'close') as Promise<[number | null, string | null]>;
    await Promise.race([once(child.stdout ?? child, 'data'), exited]);
    const { stdout, stderr } = output();
    if (!stdout.includes('\n')) throw new Error(`the receiver did not start: ${stdout}${stderr}`);
    const told = JSON.parse(stdout) as { listening: string; archive: string };
    return { child, exited, told, url: new URL(told.listening), output };
  }

  function launch(
    args: readonly string[],
    env: Record<string, string>,
    stderr: number | 'pipe' = 'pipe',
  ): ChildProcess {
    const child = spawn(process.execPath, [main, 'receive', ...args], {
      cwd: home,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', stderr],
    });
    children.add(child);
    return child;
  }
}

function collect(child: ChildProcess) {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  return () => ({ stdout, stderr });
}
