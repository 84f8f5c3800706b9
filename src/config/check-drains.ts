import { type CrossFault, shared } from './cross-fault.ts';
import type { KeyPath } from './problem.ts';
import { get, type Named, optional, textAt, textsAt, tree } from './written.ts';

/** An app or a space as written, with what is known of its drain. */
interface Owner {
  readonly kind: 'app' | 'space';
  readonly name: string;
  readonly at: KeyPath;
}

interface WrittenDrain extends Owner {
  /** Its user, as it is where none is written. */
  readonly user: string;
  readonly secret?: Named;
  readonly old?: Named;
}

/** The apps and spaces of the file, in this order. */
function ownersIn(value: unknown): Owner[] {
  return (['app', 'space'] as const).flatMap((kind) =>
    Object.keys(tree(tree(value)[`${kind}s`])).map((name) => ({
      kind,
      name,
      at: [`${kind}s`, name],
    })),
  );
}

/** What is wrong with who posts, with what secret and below which prefix, as far as one key can't know of another. */
export function drainFaults(value: unknown): CrossFault[] {
  const owners = ownersIn(value);
  const inSpace = ({ at, kind }: Owner) =>
    kind === 'app' && get(value, [...at, 'space']) !== undefined;
  const drains = owners
    .filter(({ at }) => get(value, [...at, 'drain']) !== undefined)
    .map((owner) => writtenDrain(value, owner));
  return [
    ...owners.filter(({ kind }) => kind === 'app').flatMap((app) => wayFaults(value, app)),
    ...prefixFaults(
      value,
      owners.filter((owner) => !inSpace(owner)),
      drains,
    ),
    ...shared(
      drains.flatMap(({ at }) => textsAt(value, [...at, 'drain', 'tokens'])),
      () => 'This drain token stands here for the second time.',
      'A token names one drain of one app: `heroku drains --app <app>` lists them.',
    ),
    ...credentialFaults(value, drains),
    ...spaceUserFaults(drains),
    ...variableFaults(value, drains, owners),
  ];
}

function writtenDrain(value: unknown, owner: Owner): WrittenDrain {
  const at = [...owner.at, 'drain'];
  const secret = textAt(value, [...at, 'secret_env']);
  const old = textAt(value, [...at, 'old_secret_env']);
  return {
    ...owner,
    user: textAt(value, [...at, 'user'])?.text ?? owner.name,
    ...(secret && { secret }),
    ...(old && { old }),
  };
}

/** An app has a drain of its own, or is in a space and goes by that one's. */
function wayFaults(value: unknown, { name, at }: Owner): CrossFault[] {
  const app = tree(get(value, at));
  const space = textAt(value, [...at, 'space']);
  const spaces = Object.keys(tree(tree(value)['spaces']));
  if (app['space'] === undefined) {
    if (app['drain'] !== undefined || get(value, at) === undefined) return [];
    return [
      {
        at,
        onKey: true,
        sentence: `\`${name}\` has neither a \`drain\` nor a \`space\`, so none of its lines could arrive.`,
        fix: 'Add `drain:` with `secret_env`; or `space:` where the app runs in a private space.',
      },
    ];
  }
  const faults: CrossFault[] = [];
  const both: Readonly<Record<string, readonly [string, string]>> = {
    drain: [
      `\`${name}\` has both a \`drain\` and a \`space\`.`,
      "Take `drain` out: an app of a private space comes through the space's drain.",
    ],
    prefix: [
      `\`${name}\` is in a space, and has a \`prefix\` all the same.`,
      "Take it out: its lines stand below the space's prefix, among those of the space's other apps.",
    ],
    redact: [
      `\`${name}\` is in a space, and has a \`redact\` of its own.`,
      'Give it to the space: what a space’s drain brings is redacted with one key, for no line says reliably whose it is.',
    ],
  };
  for (const [key, [sentence, fix]] of Object.entries(both)) {
    if (app[key] !== undefined) faults.push({ at: [...at, key], onKey: true, sentence, fix });
  }
  if (space !== undefined && !spaces.includes(space.text)) {
    faults.push({
      at: space.at,
      sentence: 'There is no such space in `spaces`.',
      fix:
        spaces.length === 0
          ? 'Add `spaces:` with the space, and its drain in it.'
          : `Write one of them: ${spaces.slice(0, 10).join(', ')}; or add it.`,
    });
  }
  return faults;
}

/** Below a prefix stands what one app or one space has sent, and nothing else. */
function prefixFaults(
  value: unknown,
  owners: readonly Owner[],
  drains: readonly WrittenDrain[],
): CrossFault[] {
  const unclaimed = new Set(drains.map(({ user }) => `unclaimed-${user}`));
  const first = new Map<string, Owner>();
  return owners.flatMap((owner) => {
    const { at, text } = textAt(value, [...owner.at, 'prefix']) ?? {
      at: owner.at,
      text: owner.name,
    };
    if (unclaimed.has(text)) {
      return [
        {
          at,
          sentence: `logs/${text}/ is kept for frames whose drain token nobody pinned.`,
          fix: `Give the ${owner.kind} another \`prefix\`.`,
        },
      ];
    }
    const other = first.get(text);
    if (other === undefined) {
      first.set(text, owner);
      return [];
    }
    const both =
      other.kind === owner.kind ? `Two ${owner.kind}s put` : `An app and a space both put`;
    return [
      {
        at,
        sentence: `${both} their objects under logs/${text}/.`,
        fix: 'Give one of them another `prefix`.',
      },
    ];
  });
}

/** Apps behind one user and one secret can only be told apart by their tokens, and change it together. */
function credentialFaults(value: unknown, drains: readonly WrittenDrain[]): CrossFault[] {
  const apps = drains.filter(({ kind, secret }) => kind === 'app' && secret !== undefined);
  const groups = groupBy(apps, ({ user, secret }) => JSON.stringify([user, secret?.text]));
  return [...groups.values()]
    .filter((group) => group.length > 1)
    .flatMap((group) =>
      group.flatMap((app) => {
        // One other app says it: naming all of them in each would be the square of the file.
        const other = (group[0] === app ? group[1] : group[0])?.name;
        const faults: CrossFault[] = [];
        if (textsAt(value, [...app.at, 'drain', 'tokens']).length === 0) {
          faults.push({
            at: [...app.at, 'drain'],
            sentence: `\`${app.name}\` shares its drain's user and secret with \`${other}\`, and nothing tells their lines apart.`,
            fix: 'Add `tokens:` with the drain tokens of each of these apps, or give each its own `user` and `secret_env`.',
          });
        }
        if (app.old?.text !== group[0]?.old?.text) {
          faults.push({
            at: app.old?.at ?? [...app.at, 'drain'],
            sentence: `\`${app.name}\` shares its drain's user and secret with \`${other}\`, and not its \`old_secret_env\`.`,
            fix: 'Name the same variable in both: during a rotation either password is that of all of them.',
          });
        }
        return faults;
      }),
    );
}

/** A frame of a space has no token: its user and password are all that tells whose it is. */
function spaceUserFaults(drains: readonly WrittenDrain[]): CrossFault[] {
  const byUser = groupBy(drains, ({ user }) => user);
  return drains
    .filter(({ kind }) => kind === 'space')
    .flatMap(({ at, name, user }) => {
      const other = byUser.get(user)?.find((drain) => drain.name !== name || drain.at[0] !== at[0]);
      if (other === undefined) return [];
      return [
        {
          at: [...at, 'drain'],
          sentence: `The space \`${name}\` has its drain's user in common with the ${other.kind} \`${other.name}\`.`,
          fix: 'Give it a `user` of its own: a frame of a space has no token, so that user and password must tell whose it is.',
        },
      ];
    });
}

/** A variable holds one secret for one purpose. */
function variableFaults(
  value: unknown,
  drains: readonly WrittenDrain[],
  owners: readonly Owner[],
): CrossFault[] {
  const secrets = new Set(drains.flatMap(({ secret }) => optional(secret?.text)));
  /** To whose credential an old secret belongs. */
  const olds = new Map<string, string>();
  const faults = drains.flatMap(({ old, secret, user }): CrossFault[] => {
    if (old === undefined) return [];
    const credential = JSON.stringify([user, secret?.text]);
    const before = olds.get(old.text);
    olds.set(old.text, before ?? credential);
    if (old.text === secret?.text) {
      return [
        {
          at: old.at,
          sentence: '`old_secret_env` names the variable that `secret_env` names.',
          fix: 'Name another one, e.g. with _OLD behind it: during a rotation each of the two passwords has its own.',
        },
      ];
    }
    if (!secrets.has(old.text) && (before === undefined || before === credential)) return [];
    return [
      {
        at: old.at,
        sentence: '`old_secret_env` names a variable that holds the password of another drain.',
        fix: 'Name one of its own, e.g. that of `secret_env` with _OLD behind it.',
      },
    ];
  });
  const keys = owners.flatMap(({ at }) => optional(textAt(value, [...at, 'redact', 'key_env'])));
  return [
    ...faults,
    ...keys
      .filter(({ text }) => secrets.has(text) || olds.has(text))
      .map(({ at }) => ({
        at,
        sentence: '`key_env` names a variable that holds the password of a drain.',
        fix: 'Name one of its own: whoever configures a drain must not get the key that reads tokens.',
      })),
  ];
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
