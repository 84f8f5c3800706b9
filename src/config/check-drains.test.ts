import { describe, expect, test } from 'vitest';
import { rightConfig as right } from '../../test/rig/right-config.ts';
import { parseConfig } from './read-config.ts';

const drain = '    drain:\n      secret_env: SHOP_DRAIN_SECRET\n';
/** The app of the right configuration, in the space `shield`. */
const inSpace = right
  .replace(drain, '    space: shield\n')
  .replace('apps:', 'spaces:\n  shield: { drain: { secret_env: SHIELD_SECRET } }\napps:');
/** A second app beside the right one, with another login. */
const beside = (lines: string) =>
  `${right}  till:\n${lines}    database:\n      owner_url_env: TILL_OWNER_URL\n      owner: till_owner\n      tables: [tills]\n`;

function parsed(text: string) {
  const result = parseConfig(text, 'pgwitness.yaml');
  return result.ok ? result.config : result.problems;
}
function told(text: string) {
  const result = parseConfig(text, 'pgwitness.yaml');
  return result.ok ? [] : result.problems.map(({ line, sentence }) => `${line}: ${sentence}`);
}

describe('a private space', () => {
  test('gives its apps its drain, its prefix and its key', () => {
    const redacted = inSpace.replace(
      'SHIELD_SECRET }',
      'SHIELD_SECRET, old_secret_env: SHIELD_OLD }, redact: { key_env: SHIELD_KEY }',
    );
    expect(parsed(redacted)).toMatchObject({
      spaces: [
        {
          name: 'shield',
          prefix: 'shield',
          drain: {
            user: 'shield',
            secretEnv: 'SHIELD_SECRET',
            oldSecretEnv: 'SHIELD_OLD',
            tokens: [],
          },
          redactKeyEnv: 'SHIELD_KEY',
        },
      ],
      apps: [{ name: 'shop', space: 'shield', prefix: 'shield', redactKeyEnv: 'SHIELD_KEY' }],
    });
    const config = parseConfig(inSpace, 'f');
    expect(config.ok && config.config.apps[0]).not.toHaveProperty('drain');
  });

  test('has to be there', () => {
    expect(told(inSpace.replace('space: shield', 'space: shild'))).toEqual([
      '7: There is no such space in `spaces`.',
    ]);
  });

  test.each([
    ['a drain', drain, '`shop` has both a `drain` and a `space`.'],
    ['a prefix', '    prefix: shop\n', '`shop` is in a space, and has a `prefix` all the same.'],
    [
      'a key',
      '    redact: { key_env: K }\n',
      '`shop` is in a space, and has a `redact` of its own.',
    ],
  ])('leaves no app %s of its own', (_, lines, sentence) => {
    expect(told(inSpace.replace('    space: shield\n', `${lines}    space: shield\n`))).toEqual([
      expect.stringContaining(sentence),
    ]);
  });

  test('has a user of its own, since its frames carry no token', () => {
    const text = beside('    drain: { user: shield, secret_env: TILL_SECRET }\n').replace(
      'apps:',
      'spaces:\n  shield: { drain: { secret_env: SHIELD_SECRET } }\napps:',
    );
    expect(told(text)).toEqual([
      "4: The space `shield` has its drain's user in common with the app `till`.",
    ]);
    const two = right.replace(
      'apps:',
      'spaces:\n  a: { drain: { user: u, secret_env: A } }\n  b: { drain: { user: u, secret_env: B } }\napps:',
    );
    expect(told(two)).toHaveLength(2);
  });

  test('has a name that is a path segment', () => {
    const text = inSpace.replace('  shield:', '  "../shield":').replace(': shield', ': ../shield');
    expect(told(text)).toEqual([
      expect.stringMatching(/^4: The name `\.\.\/shield` must be lower-case/),
    ]);
  });

  test('has no tokens', () => {
    const text = inSpace.replace('SHIELD_SECRET }', 'SHIELD_SECRET, tokens: [d.1] }');
    expect(told(text)).toEqual(['4: There is no key `tokens` in `spaces.shield.drain`.']);
  });
});

test('an app without drain and space could receive nothing', () => {
  expect(told(right.replace(drain, ''))).toEqual([
    '4: `shop` has neither a `drain` nor a `space`, so none of its lines could arrive.',
  ]);
});

describe('prefixes', () => {
  const till = (prefix: string) =>
    beside(`    prefix: ${prefix}\n    drain: { secret_env: TILL_SECRET }\n`);

  test('of two apps differ', () => {
    expect(told(till('shop'))).toEqual(['21: Two apps put their objects under logs/shop/.']);
  });

  test('of an app and a space differ', () => {
    expect(
      told(
        inSpace
          .replace('drain: {', 'prefix: till, drain: {')
          .concat(beside('    drain: { secret_env: TILL_SECRET }\n').slice(right.length)),
      ),
    ).toEqual(['4: An app and a space both put their objects under logs/till/.']);
  });

  test('are none that is kept for frames nobody claimed', () => {
    expect(told(till('unclaimed-shop'))).toEqual([
      '21: logs/unclaimed-shop/ is kept for frames whose drain token nobody pinned.',
    ]);
    expect(told(till('unclaimed-nobody'))).toEqual([]);
  });
});

describe('the password before the present one', () => {
  const withOld = (old: string) => right.replace(drain, `${drain}      old_secret_env: ${old}\n`);

  test('has a variable of its own', () => {
    expect(parsed(withOld('SHOP_DRAIN_SECRET_OLD'))).toMatchObject({
      apps: [{ drain: { oldSecretEnv: 'SHOP_DRAIN_SECRET_OLD' } }],
    });
    expect(told(withOld('SHOP_DRAIN_SECRET'))).toEqual([
      '7: `old_secret_env` names the variable that `secret_env` names.',
    ]);
  });

  test.each([
    ['the password', '    drain: { secret_env: OLD }\n', 7],
    ['the old password', '    drain: { secret_env: TILL, old_secret_env: OLD }\n', 22],
  ])('is not %s of another drain', (_, lines, line) => {
    const text = beside(lines).replace(drain, `${drain}      old_secret_env: OLD\n`);
    expect(told(text)).toEqual([
      `${line}: \`old_secret_env\` names a variable that holds the password of another drain.`,
    ]);
  });

  test('is the same for apps that share a drain', () => {
    const shop = '    drain:\n      user: one\n      secret_env: S\n      tokens: [d.1]\n';
    const till = (old: string) =>
      beside(`    drain: { user: one, secret_env: S, tokens: [d.2]${old} }\n`).replace(
        drain,
        `${shop}      old_secret_env: OLD\n`,
      );
    expect(told(till(', old_secret_env: OLD'))).toEqual([]);
    expect(told(till(''))).toEqual([
      "24: `till` shares its drain's user and secret with `shop`, and not its `old_secret_env`.",
    ]);
  });
});

test('a redaction key is no password of a drain', () => {
  const text = right.replace(drain, `    redact: { key_env: SHOP_DRAIN_SECRET }\n${drain}`);
  expect(told(text)).toEqual(['5: `key_env` names a variable that holds the password of a drain.']);
});
