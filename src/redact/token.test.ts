import { expect, test } from 'vitest';
import { createTokens } from './token.ts';

const key = 'a redaction key of 32 characters';

test('a value has one token under a key, and another under another key', () => {
  const tokens = createTokens(key);
  expect(tokens.token('joe@example.com')).toMatch(/^pgw:[0-9a-f]{32}$/);
  expect(createTokens(key).token('joe@example.com')).toBe(tokens.token('joe@example.com'));
  expect(tokens.token('joe@example.org')).not.toBe(tokens.token('joe@example.com'));
  expect(createTokens(`${key}!`).token('joe@example.com')).not.toBe(
    tokens.token('joe@example.com'),
  );
});

test('tokens stay what they are across releases: archives are searched by them for years', () => {
  expect(createTokens(key).token('joe@example.com')).toBe('pgw:6d0eb0395d94fc4f78e0f8fa5cc55a45');
});

test('a digest tells where one part ends and the next begins', () => {
  const { digest } = createTokens(key);
  expect(digest('ab', 'c')).not.toBe(digest('a', 'bc'));
  expect(digest('a')).toBe(digest(Buffer.from('a')));
  expect(digest('a').slice(0, 32)).not.toBe(createTokens(key).token('a').slice(4));
});

test('a key that could be tried out is refused without being shown', () => {
  const weak = 'only thirty-one characters long';
  expect(() => createTokens(weak)).toThrow(
    expect.objectContaining({ code: 'redact.weak-key', exit: 2 }),
  );
  expect(() => createTokens(weak)).toThrow(expect.not.stringContaining(weak));
});
