import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { PgwitnessError } from '../error.ts';
import { logsPrefix } from '../sink/object-key.ts';

/** Who may post frames of an app, and where they go. */
export interface Drain {
  readonly app: string;
  /** Path segment below `logs/`. */
  readonly prefix: string;
  /** User part of the drain URL. */
  readonly user: string;
  /** The password, and behind it those that it replaces: during a rotation two are valid. */
  readonly secrets: readonly string[];
  /** Logplex drain tokens of this app; where there are none, every token of this secret is its own. */
  readonly tokens: readonly string[];
}

/** Whom a request comes from. */
export interface Caller {
  readonly user: string;
  /** Undefined for a drain token that no app of this secret pins: kept apart and told. */
  readonly app?: string;
  /** Path segment below `logs/` for this caller's frames; always from the configuration. */
  readonly prefix: string;
  /** It used a password that another one replaces. */
  readonly oldSecret: boolean;
  /** Prefixes of the apps whose frame it can be: its own, or, of an unclaimed one, all of its user's. */
  readonly mayBelongTo: readonly string[];
  /** The same for all requests of who knows one password, or another one of the same apps. */
  readonly owner: string;
}

export interface AccessList {
  /**
   * The caller, or undefined where user and password are missing or wrong. `token` is the
   * Logplex-Drain-Token header, null where there is none.
   */
  identify(authorization: string | null, token: string | null): Caller | undefined;
}

interface Credential {
  readonly user: string;
  /** Keyed digests of `user:password`, in the forms of `formsOf`. */
  readonly digests: readonly Buffer[];
  readonly drains: Drain[];
  /** The drains of which it is not the newest password. */
  readonly oldFor: Set<Drain>;
}

/**
 * Frames with a right password and a token that nobody pinned go to `unclaimed-<user>`: refusing
 * them would destroy them (a 4xx is final to Logplex), and giving them to an app would be a guess.
 */
export function unclaimedPrefix(user: string): string {
  return `unclaimed-${user}`;
}

/**
 * Throws PgwitnessError, exit 2, where two apps can't be told apart (`receive.shared-secret`), a
 * secret is empty (`receive.empty-secret`), an app's prefix is one kept for unclaimed frames
 * (`receive.prefix-taken`) or none of a key (`sink.bad-prefix`).
 */
export function buildAccessList(drains: readonly Drain[]): AccessList {
  const key = randomBytes(32);
  const digest = (bytes: Buffer) => createHmac('sha256', key).update(bytes).digest();
  const credentials = new Map<string, Credential>();
  for (const drain of drains) {
    for (const [at, secret] of [...new Set(drain.secrets)].entries()) {
      if (secret === '') throw emptySecret(drain);
      const pair = `${drain.user}:${secret}`;
      const credential = credentials.get(pair) ?? {
        user: drain.user,
        digests: formsOf(Buffer.from(pair, 'utf8')).map(digest),
        drains: [],
        oldFor: new Set(),
      };
      credential.drains.push(drain);
      if (at > 0) credential.oldFor.add(drain);
      credentials.set(pair, credential);
    }
  }
  for (const credential of credentials.values()) checkShared(credential.drains);
  checkForms([...credentials.values()]);
  checkPrefixes(drains);

  return {
    identify(authorization, token) {
      const given = formsOf(basicCredentials(authorization) ?? Buffer.alloc(0)).map(digest);
      let found: Credential | undefined;
      // All are compared, and digests of equal length: the time tells neither which nor how far.
      for (const credential of credentials.values()) {
        for (const expected of credential.digests) {
          for (const form of given) if (timingSafeEqual(form, expected)) found = credential;
        }
      }
      return found && callerOf(found, token);
    },
  };

  function callerOf({ user, drains: own, oldFor }: Credential, token: string | null): Caller {
    const pinned = own.find((drain) => token !== null && drain.tokens.includes(token));
    const [only, another] = own;
    // A request without a token (space drains, other shippers) is told by its password alone.
    const alone = another === undefined && (token === null || only?.tokens.length === 0);
    const drain = pinned ?? (alone ? only : undefined);
    const owner = `${user} ${own.map(({ prefix }) => prefix).join(' ')}`;
    if (drain !== undefined) {
      const { app, prefix } = drain;
      return { user, app, prefix, oldSecret: oldFor.has(drain), mayBelongTo: [prefix], owner };
    }
    const oldSecret = own.every((each) => oldFor.has(each));
    const ofUser = drains.filter((each) => each.user === user);
    const mayBelongTo = ofUser.map(({ prefix }) => prefix);
    return { user, prefix: unclaimedPrefix(user), oldSecret, mayBelongTo, owner };
  }
}

/** `user:password` in bytes, or undefined where the header isn't Basic (RFC 7617). */
function basicCredentials(authorization: string | null): Buffer | undefined {
  const encoded = /^basic +([A-Za-z0-9+/_-]+={0,2}) *$/i.exec(authorization ?? '')?.[1];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64');
}

/**
 * As it stands, and without percent-encoding: of a URL's userinfo some clients send what is written
 * there, encoded one way or another, and some what it means. A 401 would destroy the frame.
 */
function formsOf(pair: Buffer): readonly Buffer[] {
  const decoded = pair
    .toString('latin1')
    .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return [pair, Buffer.from(decoded, 'latin1')];
}

function emptySecret(drain: Drain): PgwitnessError {
  return new PgwitnessError({
    code: 'receive.empty-secret',
    message: `The drain of ${drain.app} has an empty password.`,
    fix: 'Set its environment variable to a long random value.',
    exit: 2,
  });
}

function checkShared(drains: readonly Drain[]): void {
  if (drains.length < 2) return;
  const owners = new Map<string, string>();
  const names = drains.map((drain) => drain.app).join(', ');
  for (const drain of drains) {
    const other = drain.tokens.find((token) => owners.has(token));
    if (drain.tokens.length > 0 && other === undefined) {
      for (const token of drain.tokens) owners.set(token, drain.app);
      continue;
    }
    const why =
      other === undefined
        ? `${drain.app} pins no drain token`
        : `${drain.app} and ${owners.get(other)} pin the same token`;
    throw new PgwitnessError({
      code: 'receive.shared-secret',
      message: `${names} share one user and password, and ${why}: their frames can't be told apart.`,
      fix: 'Pin each app’s tokens under drain.tokens (`heroku drains --json` shows them), or give each app a password of its own.',
      exit: 2,
    });
  }
}

/** Percent-encoded, one password may be another: whose frame it is would be a guess. */
function checkForms(credentials: readonly Credential[]): void {
  const owners = new Map<string, Credential>();
  for (const credential of credentials) {
    for (const digest of credential.digests) {
      const form = digest.toString('hex');
      const other = owners.get(form) ?? credential;
      owners.set(form, credential);
      const drains = new Set([...other.drains, ...credential.drains]);
      if (drains.size === other.drains.length && drains.size === credential.drains.length) continue;
      throw new PgwitnessError({
        code: 'receive.shared-secret',
        message: `The passwords of ${[...drains].map(({ app }) => app).join(', ')} are the same once percent-encoding is undone: their frames can't be told apart.`,
        fix: 'Give each app a password of its own without percent signs: `pgwitness secret new` makes one.',
        exit: 2,
      });
    }
  }
}

function checkPrefixes(drains: readonly Drain[]): void {
  for (const { prefix, user } of drains)
    for (const one of [prefix, unclaimedPrefix(user)]) logsPrefix(one);
  const kept = new Set(drains.map((drain) => unclaimedPrefix(drain.user)));
  const taken = drains.find((drain) => kept.has(drain.prefix));
  if (taken === undefined) return;
  throw new PgwitnessError({
    code: 'receive.prefix-taken',
    message: `The prefix ${taken.prefix} of ${taken.app} is kept for frames whose drain token nobody pinned.`,
    fix: `Give ${taken.app} another prefix.`,
    exit: 2,
  });
}
