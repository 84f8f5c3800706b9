import type { ChosenDrain, Sharer } from './chosen-drain.ts';

/** What the steps are written for. */
interface Rotation {
  readonly chosen: ChosenDrain;
  /** A password was there before: both are valid until it is retired. */
  readonly rotates: boolean;
  /** `receiver.url` is in the configuration. */
  readonly hasUrl: boolean;
  /** ` --config other.yaml` where it isn't the default. */
  readonly config: string;
}

/** What to do once a drain has a new password, each step in lines to read or to copy. */
export function nextSteps({ chosen, rotates, hasUrl, config }: Rotation): string[][] {
  const { sharedBy } = chosen;
  const pinned = sharedBy.filter(({ drain }) => drain.tokens.length > 0);
  const shippers = sharedBy.flatMap(({ ship }) => (ship === undefined ? [] : [ship.drainUrlEnv]));
  const url = (sharer: Sharer, old = '') =>
    hasUrl
      ? `"$(pgwitness secret url${old} ${flagOf(sharer)}${config})"`
      : `https://${sharer.drain.user}:PASSWORD@HOST/`;
  const steps = [
    [
      'restart the receiver, which reads secrets when it starts',
      '(on Lambda: set its variables)',
      ...(hasUrl
        ? []
        : ['with `receiver.url` in the configuration, `secret url` prints whole URLs']),
    ],
    sharedBy.map((sharer) =>
      sharer.kind === 'space'
        ? `heroku drains:set ${url(sharer)} --space ${sharer.name}`
        : `heroku drains:add ${url(sharer)} --app ${sharer.name}`,
    ),
  ];
  if (shippers.length > 0) {
    steps.push([
      'where `pgwitness ship` runs: write the new password into',
      `${list(shippers)} and restart it`,
    ]);
  }
  if (pinned.length > 0) {
    steps.push([
      'pin the tokens of the new drains beside those in `drain.tokens`,',
      'and restart the receiver:',
      ...pinned.map(({ name }) => `heroku drains --app ${name}`),
      `until then their frames stand below logs/unclaimed-${chosen.drain.user}/`,
    ]);
  }
  if (!rotates) return steps;
  const apps = sharedBy.filter(({ kind }) => kind === 'app');
  if (apps.length > 0) {
    steps.push(apps.map((app) => `heroku drains:remove ${url(app, ' --old')} --app ${app.name}`));
  }
  return [...steps, [`pgwitness secret retire ${flagOf(chosen)}${config}`]];
}

function flagOf({ kind, name }: Pick<Sharer, 'kind' | 'name'>): string {
  return `--${kind} ${name}`;
}

function list(names: readonly string[]): string {
  return [...new Set(names)].join(' and ');
}
