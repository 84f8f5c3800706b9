import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drainHeaders } from '../../../test/rig/drain.ts';
import { type CliRun, runCli } from '../../../test/rig/run-cli.ts';
import { herokuMessage } from '../../../test/rig/small-archive.ts';
import { encodeFrame } from '../../logplex/frame.ts';

describe('pgwitness receive, of a space that redacts and of an app amid a rotation', () => {
  let folder: string;
  let config: string;
  let url: string;
  let running: Promise<CliRun>;
  const stop = new AbortController();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgwitness-receive-verb-'));
    config = join(folder, 'pgwitness.yaml');
    await writeFile(config, yaml);
    await writeFile(join(folder, 'secrets'), secrets, { mode: 0o600 });
    url = await new Promise((resolve, reject) => {
      running = runCli(['receive', '--config', config, '--port', '0', '--json'], {
        signal: stop.signal,
        onWrite: (text) => resolve(JSON.parse(text).listening),
      });
      running.then((run) => reject(new Error(run.stderr)), reject);
    });
  });
  afterAll(async () => {
    stop.abort();
    expect(await running).toMatchObject({ code: 0 });
    await rm(folder, { recursive: true, force: true });
  });

  async function post(user: string, password: string, text: string, logLine: number) {
    const body = encodeFrame(herokuMessage({ atMs: Date.now(), text, logLine }));
    const headers = drainHeaders({ user, password });
    const answer = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) });
    await answer.arrayBuffer();
    return answer.status;
  }
  /** All that is stored below a prefix, unpacked. */
  async function stored(prefix: string): Promise<string> {
    const root = join(folder, 'archive', 'logs', prefix);
    const names = await readdir(root, { recursive: true });
    const objects = names.filter((name) => name.endsWith('.gz'));
    const bodies = await Promise.all(objects.map((name) => readFile(join(root, name))));
    return bodies.map((body) => gunzipSync(body).toString('latin1')).join('');
  }
  const pgwitness = (...args: string[]) => runCli([...args, '--config', config]);

  test('both passwords are taken, others are not, and `secret retire` can tell of the old one', async () => {
    expect(await post('shop', 'new-secret', 'statement: select 1', 1)).toBe(200);
    expect(await post('shop', 'neither', 'statement: select 2', 2)).toBe(401);
    expect(await post('shop', 'old-secret', 'statement: select 3', 3)).toBe(200);
    const used = `pgwitness_old_secret_used_timestamp_seconds{user="shop"}`;
    expect(await (await fetch(new URL('/metrics', url))).text()).toContain(used);
    const run = await pgwitness('trail', '--app', 'shop', '--json');
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toContain('select 1');
    expect(run.stdout).toContain('select 3');
  });

  test('a frame without a token, with a space’s password, stands below the space’s prefix, without its values', async () => {
    const text = "statement: update users set email = 'ada@example.org' where id = 4711";
    expect(await post('shield', 'space-secret', text, 1)).toBe(200);
    const bytes = await stored('shield');
    expect(bytes).toContain('update users set email =');
    expect(bytes).not.toContain('ada@example.org');
    expect(bytes).not.toContain('4711');
  });

  test('the trail of an app in the space says that it is of all its apps, and finds a value by its token', async () => {
    const found = await pgwitness('trail', '--app', 'vault', '--grep', 'ada@example.org', '--json');
    expect(found.stderr).toContain('vault runs in the space shield');
    expect(found.stderr).toContain('are stored as tokens: a value is found as a whole');
    const { statement } = JSON.parse(found.stdout);
    const { stdout: token } = await pgwitness(
      'redact',
      'token',
      '--space',
      'shield',
      'ada@example.org',
    );
    expect(statement).toContain(token.trim());
    expect((await pgwitness('trail', '--app', 'vault', '--grep', '4711')).stdout).toContain(
      'update',
    );
    const none = await pgwitness('trail', '--app', 'vault', '--grep', 'ada@example.com');
    expect(none).toMatchObject({ code: 0, stdout: '' });
    // By an app of the space, too; one value as text and as a number has one token.
    const byApp = await pgwitness('redact', 'token', '--app', 'vault', '4711', '--json');
    expect(JSON.parse(byApp.stdout).tokens.every((text: string) => statement.includes(text))).toBe(
      true,
    );
  });

  test('without the key only names are found, and that is told', async () => {
    const keyless = join(folder, 'keyless.yaml');
    await writeFile(keyless, yaml.replace(/^secrets.*\n/m, ''));
    const run = await runCli([
      'trail',
      '--config',
      keyless,
      '--app',
      'vault',
      '--grep',
      'update users',
    ]);
    expect(run.stderr).toContain('SHIELD_KEY is not set here: only names and plain text');
    expect(run.stdout).toContain('update users');
    const token = await runCli(['redact', 'token', 'x', '--config', keyless, '--app', 'vault']);
    expect(token).toMatchObject({ code: 2, stderr: expect.stringContaining('config.no-secret') });
    const plain = await pgwitness('redact', 'token', 'x', '--app', 'shop');
    expect(plain).toMatchObject({ code: 2, stderr: expect.stringContaining('cli.no-redaction') });
  });
});

const secrets = `SHOP_SECRET=new-secret
SHOP_OLD=old-secret
SHIELD_SECRET=space-secret
SHIELD_KEY=${'k'.repeat(43)}
`;
const yaml = `version: 1
archive: { folder: archive }
secrets: { file: secrets }
spaces:
  shield:
    drain: { secret_env: SHIELD_SECRET }
    redact: { key_env: SHIELD_KEY }
apps:
  shop:
    drain: { secret_env: SHOP_SECRET, old_secret_env: SHOP_OLD }
    database: { owner_url_env: SHOP_OWNER, owner: o, tables: [users] }
  vault:
    space: shield
    database: { owner_url_env: VAULT_OWNER, owner: o, tables: [users] }
`;
