import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { takeBaseline } from '../../src/capture/baseline.ts';
import { installCapture } from '../../src/capture/install.ts';

/** One way of capturing changes of `accounts`. */
export interface Layer {
  readonly name: string;
  install(client: pg.Client): Promise<void>;
  /** Relations whose size is what a change costs in storage. */
  readonly storage: string;
}

export const noAudit: Layer = { name: 'no audit', storage: '', install: async () => undefined };

/** Our own, as `pgwitness install` makes it, without witness lines and with them. */
export const captureAlone: Layer = ours('pgwitness', false);
export const withWitness: Layer = ours('pgwitness with witness lines', true);

function ours(name: string, witness: boolean): Layer {
  return {
    name,
    storage: 'accounts_history',
    async install(client) {
      const target = {
        owner: 'postgres',
        tables: [{ schema: 'public', name: 'accounts' }],
        appendOnly: [],
        roles: [],
        witness,
      };
      const outcome = await installCapture({ owner: client }, target);
      if (outcome.kind !== 'installed') {
        throw new Error(`capture was not installed: ${outcome.kind}`);
      }
      for (const table of target.tables) {
        await takeBaseline(client, target, table, { now: () => performance.now() });
      }
    },
  };
}

/** A peer's capture as SQL that is run once `accounts` exists; `-- storage: <table>` names where changes go. */
export function peerLayer(given: string): Layer {
  const [name, file] = given.split('=', 2);
  if (name === undefined || file === undefined || name === '') {
    throw new Error(`--peer takes name=file.sql, not ${given}`);
  }
  const sql = readFileSync(file, 'utf8');
  return {
    name,
    storage: /^-- storage: (\S+)/m.exec(sql)?.[1] ?? '',
    async install(client) {
      await client.query(sql);
    },
  };
}
