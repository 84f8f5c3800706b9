/** A place in a text that looks like a secret. */
export interface SecretPlace {
  /** From 0. */
  readonly offset: number;
  readonly looksLike: string;
}

/** What secrets look like in a configuration file, comments included: a commented-out one is one. */
const shapes: readonly (readonly [RegExp, string])[] = [
  // A placeholder is none: `…`, `***`, `<password>`, `$VAR`, `{{ var }}`.
  [
    /[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@'"]{0,200}:(?![….*<${x]+[^@\s]{0,80}@)[^\s/@'"]{1,200}@/gi,
    'a URL with a password',
  ],
  [
    /\b(?:password|passwd|pwd)\s{0,3}=\s{0,3}(?![….*<${])[^\s'"]{1,200}/gi,
    'a connection string with a password',
  ],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, 'an AWS access key'],
  [
    /(?<![a-z0-9])secret_access_key["']?\s{0,3}[:=]\s{0,3}["']?[A-Za-z0-9/+]{30,}/gi,
    'an AWS secret key',
  ],
  [/-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----/g, 'a private key'],
  [/\bHRKU-[A-Za-z0-9_-]{20,}/g, 'a Heroku API key'],
];

/** Everything in `text` that looks like a secret. */
export function findSecrets(text: string): SecretPlace[] {
  return shapes.flatMap(([shape, looksLike]) =>
    [...text.matchAll(shape)].map((match) => ({ offset: match.index, looksLike })),
  );
}
