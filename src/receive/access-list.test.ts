import { expect, test } from 'vitest';
import { buildAccessList, type Drain } from './access-list.ts';

const app = (name: string, over: Partial<Drain> = {}): Drain => ({
  app: name,
  prefix: name,
  user: name,
  secrets: ['secret'],
  tokens: [],
  ...over,
});
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

test('during a rotation both passwords are valid', () => {
  const access = buildAccessList([app('a', { secrets: ['old', 'new'] })]);
  for (const secret of ['old', 'new']) {
    expect(access.identify(basic(`a:${secret}`), null)?.app).toBe('a');
  }
  expect(access.identify(basic('a:other'), null)).toBeUndefined();
});

test.each([
  ['p@ss/wörd:x', 'p@ss/wörd:x'],
  ['p@ss/wörd:x', 'p%40ss%2Fw%C3%B6rd%3Ax'],
  ['p@ss/wörd:x', 'p%40ss%2fw%c3%b6rd:x'],
  ['p@ss/wörd:x', '%70@ss/wörd%3ax'],
  // Put into the URL as it is, and decoded by the sender.
  ['100%41', '100A'],
  ['100%41', '100%41'],
  ['100%zz%', '100%zz%'],
])('the password %s of a drain URL is known where its sender gives %s', (secret, given) => {
  const access = buildAccessList([app('a', { secrets: [secret] })]);
  expect(access.identify(basic(`a:${given}`), null)?.app).toBe('a');
  expect(access.identify(basic(`a:${given}%20`), null)).toBeUndefined();
});

test('an app that pins tokens takes no other token, and a request without one', () => {
  const access = buildAccessList([app('a', { tokens: ['d.a'] })]);
  expect(access.identify(basic('a:secret'), 'd.a')?.prefix).toBe('a');
  expect(access.identify(basic('a:secret'), null)?.prefix).toBe('a');
  expect(access.identify(basic('a:secret'), 'd.b')).toMatchObject({
    user: 'a',
    prefix: 'unclaimed-a',
  });
});

test('apps of one user with passwords of their own need no tokens', () => {
  const access = buildAccessList([
    app('a', { user: 'u', secrets: ['one'] }),
    app('b', { user: 'u', secrets: ['two'] }),
  ]);
  expect(access.identify(basic('u:one'), 'd.x')?.app).toBe('a');
  expect(access.identify(basic('u:two'), 'd.x')?.app).toBe('b');
});

test('two users whose names and passwords run together the same are two', () => {
  const access = buildAccessList([app('a', { user: 'u', secrets: ['x:y'] })]);
  expect(access.identify(basic('u:x:y'), null)?.app).toBe('a');
  expect(access.identify(basic('ux:y'), null)).toBeUndefined();
});

test.each([
  [
    'two apps that share user and password, one without a token',
    'receive.shared-secret',
    [app('a', { user: 'u', tokens: ['d.a'] }), app('b', { user: 'u' })],
  ],
  [
    'one token pinned by two apps of one password',
    'receive.shared-secret',
    [app('a', { user: 'u', tokens: ['d.a'] }), app('b', { user: 'u', tokens: ['d.b', 'd.a'] })],
  ],
  ['an empty password', 'receive.empty-secret', [app('a', { secrets: [''] })]],
  [
    'a prefix that is kept for unclaimed frames',
    'receive.prefix-taken',
    [app('a'), app('b', { prefix: 'unclaimed-a' })],
  ],
])('%s is refused at the start', (_, code, drains) => {
  expect(() => buildAccessList(drains)).toThrow(expect.objectContaining({ code, exit: 2 }));
});

test('the first password is the new one, and who uses another is told apart', () => {
  const access = buildAccessList([app('a', { secrets: ['new', 'old'] }), app('b')]);
  expect(access.identify(basic('a:new'), null)).toMatchObject({ app: 'a', oldSecret: false });
  expect(access.identify(basic('a:old'), null)).toMatchObject({ app: 'a', oldSecret: true });
  expect(access.identify(basic('b:secret'), null)).toMatchObject({ app: 'b', oldSecret: false });
  const same = buildAccessList([app('a', { secrets: ['one', 'one'] })]);
  expect(same.identify(basic('a:one'), null)).toMatchObject({ oldSecret: false });
});

test('apps behind one user change their password together: by either each is told by its tokens', () => {
  const both = { user: 'u', secrets: ['new', 'old'] };
  const access = buildAccessList([
    app('a', { ...both, tokens: ['d.a'] }),
    app('b', { ...both, tokens: ['d.b'] }),
  ]);
  for (const [secret, oldSecret] of [
    ['new', false],
    ['old', true],
  ] as const) {
    expect(access.identify(basic(`u:${secret}`), 'd.b')).toMatchObject({ app: 'b', oldSecret });
    expect(access.identify(basic(`u:${secret}`), 'd.c')).toMatchObject({
      prefix: 'unclaimed-u',
      oldSecret,
      mayBelongTo: ['a', 'b'],
    });
  }
  // The new one alone is no way to the other app's.
  expect(() =>
    buildAccessList([app('a', { ...both, tokens: ['d.a'] }), app('b', { ...both, tokens: [] })]),
  ).toThrow(expect.objectContaining({ code: 'receive.shared-secret' }));
});

test('a space’s drain takes frames without a token, and with any', () => {
  const access = buildAccessList([app('space', { prefix: 'all-of-it' }), app('a')]);
  for (const token of [null, 'd.whatever']) {
    expect(access.identify(basic('space:secret'), token)).toMatchObject({
      app: 'space',
      prefix: 'all-of-it',
    });
  }
});

test.each(['../a', 'A', 'a/b', '.a', ''])(
  'the prefix %j is no folder of the archive, and refused at the start',
  (prefix) => {
    expect(() => buildAccessList([app('a', { prefix })])).toThrow(
      expect.objectContaining({ code: 'sink.bad-prefix', exit: 2 }),
    );
  },
);

test('two apps whose passwords are one once percent-encoding is undone are refused', () => {
  const drains = [
    app('a', { user: 'u', secrets: ['x%41x'] }),
    app('b', { user: 'u', secrets: ['new', 'xAx'] }),
  ];
  expect(() => buildAccessList(drains)).toThrow(
    expect.objectContaining({ code: 'receive.shared-secret', exit: 2 }),
  );
  buildAccessList([app('a', { secrets: ['x%41x', 'xAx'] })]);
});
