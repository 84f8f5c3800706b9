import { defineVerb } from '../define-verb.ts';
import { configFlag, jsonFlag } from '../flags.ts';

interface Flags {
  readonly config: string;
  readonly host?: string;
  readonly port?: number;
  readonly json: boolean;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new Error('must be a port, 0 to 65535');
  return port;
}

export const receiveVerb = defineVerb<Flags>({
  brief: 'Take frames of log drains and store them before answering',
  detail:
    'Runs until Ctrl-C or SIGTERM, then finishes what is in flight. A drain posts to http://USER:PASSWORD@HOST:PORT/ with the user and password of its app. /healthz, /readyz and /metrics answer without a password: let a proxy show them to whom you trust. Structured logs go to stderr.',
  examples: [
    ['pgwitness receive', 'take frames as pgwitness.yaml in this folder says'],
    ['pgwitness receive --host 0.0.0.0 --port 8080', 'listen on every address'],
    ['pgwitness receive --port 0 --json', 'take a free port and say which, for a program'],
  ],
  parameters: {
    flags: {
      config: configFlag,
      host: {
        kind: 'parsed',
        parse: String,
        brief: 'Address to listen on instead of receiver.host',
        placeholder: 'address',
        optional: true,
      },
      port: {
        kind: 'parsed',
        parse: parsePort,
        brief: 'Port instead of receiver.port; 0 takes a free one',
        placeholder: 'number',
        optional: true,
      },
      json: jsonFlag,
    },
  },
  async run(cli, flags) {
    const { readConfig } = await import('../../config/read-config.ts');
    const { startReceiver } = await import('../start-receiver.ts');
    const config = await readConfig(flags.config);
    const receiver = await startReceiver(config, cli, { host: flags.host, port: flags.port });
    const { url, stores: archive } = receiver;
    cli.process.stdout.write(
      flags.json
        ? `${JSON.stringify({ listening: url, archive })}\n`
        : `listening on ${url}\nstoring in   ${archive}\n`,
    );
    await receiver.done;
    return 0;
  },
});
