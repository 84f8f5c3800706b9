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
  // `SHOP_SECRET=…`, as in the file of secrets; `SHOP_SECRET: NAME` is how the configuration is written.
  [
    /\b[A-Z][A-Z0-9_]{0,60}(?:SECRET|PASSWORD|KEY)[A-Z0-9_]{0,20}=(?![….*<${]|["'][….*<${])["']?[^\s'"]{6,200}/g,
    'the value of a variable that holds a secret',
  ],
  // What `pgwitness secret new` makes: 32 bytes in base64url. A name of that length lacks one of the three.
  [
    /(?<![\w-])(?=[\w-]{0,42}[a-z])(?=[\w-]{0,42}[A-Z])(?=[\w-]{0,42}\d)[\w-]{43}(?![\w-])/g,
    'a password or key that pgwitness made',
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
