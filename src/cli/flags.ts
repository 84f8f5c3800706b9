/** Flags that several verbs share, so that they read the same everywhere. */
export const configFlag = {
  kind: 'parsed',
  parse: String,
  brief: 'Configuration file',
  placeholder: 'file',
  default: 'pgwitness.yaml',
} as const;

export const appFlag = {
  kind: 'parsed',
  parse: String,
  brief: 'App of the configuration; needed where it holds several',
  placeholder: 'name',
  optional: true,
} as const;

export const spaceFlag = {
  kind: 'parsed',
  parse: String,
  brief: 'Private space of the configuration, instead of --app',
  placeholder: 'name',
  optional: true,
} as const;

export const keyEnvFlag = {
  kind: 'parsed',
  parse: String,
  brief: 'Variable of another redaction key, e.g. of one that was replaced',
  placeholder: 'variable',
  optional: true,
} as const;

export const jsonFlag = {
  kind: 'boolean',
  brief: 'Print JSON instead of text',
  default: false,
  withNegated: false,
} as const;
