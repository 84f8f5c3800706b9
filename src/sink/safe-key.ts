import { PgwitnessError } from '../error.ts';

/** Letters, digits and a few signs; no segment begins with a dot, so none is `..` or hidden. */
const segment = /^[A-Za-z0-9_][A-Za-z0-9._=-]*$/;

/** Whether `key` names something inside the archive and nothing else. */
export function isSafeKey(key: string): boolean {
  return key.length <= 1024 && key.split('/').every((part) => segment.test(part));
}

/** Throws `sink.bad-key` for a key that could leave the archive or hide in it. */
export function assertSafeKey(key: string): void {
  if (isSafeKey(key)) return;
  throw new PgwitnessError({
    code: 'sink.bad-key',
    message: `${JSON.stringify(key.slice(0, 200))} is no key of an object.`,
    fix: 'Keys are segments of letters, digits, dots, dashes, underscores and equals signs, joined by slashes.',
    exit: 1,
  });
}
