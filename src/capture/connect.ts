import pg from 'pg';
import { PgwitnessError } from '../error.ts';

/** A database that does not answer in this time counts as one that can't be reached. */
const connectTimeoutMs = 10_000;

/**
 * Opens one connection to `url`. `what` says whose it is, for errors: "the owner's connection".
 * Throws PgwitnessError: exit 2 where the URL is none, exit 3 where the database can't be reached or
 * lets nobody in; exit 2 too where a certificate file that it names can't be read. Neither its message nor its cause holds the password.
 */
export async function connectDatabase(
  url: string,
  what: string,
  options: { readonly timeoutMs?: number } = {},
): Promise<pg.Client> {
  const place = placeOf(url, what);
  let client: pg.Client;
  try {
    client = new pg.Client({
      connectionString: strictSsl(url),
      application_name: 'pgwitness',
      connectionTimeoutMillis: options.timeoutMs ?? connectTimeoutMs,
      keepAlive: true,
    });
  } catch (error) {
    const { code, path, syscall } = error as NodeJS.ErrnoException;
    // pg reads the certificates that the URL names.
    if (syscall !== undefined) throw noCertificate(what, path, code);
    // The parser's own error may quote the URL, password included: it is not passed on.
    throw badUrl(what);
  }
  // A connection that breaks while idle is told here; the next query fails with the same cause.
  // Without a listener Node would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    void client.end().catch(() => undefined);
    throw connectFailure(error, what, place);
  }
}

/** `user@host:port/database` of a connection URL, without password and options. */
function placeOf(url: string, what: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw badUrl(what);
  }
  if (parsed.protocol !== 'postgres:' && parsed.protocol !== 'postgresql:') throw badUrl(what);
  // A password with / in it: what looks like port and database is its parts.
  if (parsed.pathname.includes('@')) throw badUrl(what);
  const host = parsed.hostname === '' ? 'localhost' : parsed.hostname;
  const user = parsed.username === '' ? '' : `${parsed.username}@`;
  return `${user}${host}:${parsed.port === '' ? '5432' : parsed.port}${parsed.pathname}`;
}

/**
 * pg takes these modes for verify-full, and has Node print a warning that they will mean less one day.
 * Named as what they are, they stay so and are silent; `uselibpqcompat=true` asks for the weaker ones.
 */
function strictSsl(url: string): string {
  const parsed = new URL(url);
  const mode = parsed.searchParams.get('sslmode') ?? '';
  if (!['prefer', 'require', 'verify-ca'].includes(mode)) return url;
  if (parsed.searchParams.has('uselibpqcompat')) return url;
  parsed.searchParams.set('sslmode', 'verify-full');
  return parsed.href;
}

/** The user that a connection URL logs in as; undefined where it names none, or is no URL. */
export function loginOf(url: string): string | undefined {
  try {
    return decodeURIComponent(new URL(url).username) || undefined;
  } catch {
    return undefined;
  }
}

function badUrl(what: string): PgwitnessError {
  return new PgwitnessError({
    code: 'capture.bad-url',
    message: `The URL of ${what} is not a Postgres URL.`,
    fix: 'It has to read postgres://user:password@host:port/database, with characters such as @ : / # % in the password percent-encoded.',
    exit: 2,
  });
}

function noCertificate(what: string, path?: string, code?: string): PgwitnessError {
  const file = path === undefined ? 'a certificate file' : `the file ${path}`;
  return new PgwitnessError({
    code: 'capture.no-certificate-file',
    message: `The URL of ${what} names ${file}, which ${code === 'ENOENT' ? 'is not there' : `can't be read (${code})`}.`,
    fix: 'Correct sslrootcert, sslcert or sslkey in the URL; a relative path is relative to where pgwitness runs.',
    exit: 2,
  });
}

const notTrusted = {
  code: 'not-trusted',
  why: "the server's certificate is of no authority that is trusted here",
  fix: "Name the authority's certificate in the URL: ?sslmode=verify-full&sslrootcert=/path/to/ca.pem.",
};

const reasons: Readonly<Record<string, { code: string; why: string; fix: string }>> = {
  ECONNREFUSED: {
    code: 'refused',
    why: 'nothing listens there',
    fix: 'Check host and port, and that the server runs.',
  },
  ENOTFOUND: {
    code: 'no-such-host',
    why: 'the host name does not resolve',
    fix: 'Check the host name in the URL.',
  },
  EAI_AGAIN: {
    code: 'no-such-host',
    why: 'the host name does not resolve at the moment',
    fix: 'Check the network and the host name in the URL.',
  },
  ETIMEDOUT: {
    code: 'timeout',
    why: 'it did not answer in time',
    fix: 'Check host, port and firewall.',
  },
  EHOSTUNREACH: {
    code: 'timeout',
    why: 'there is no way to this host',
    fix: 'Check host, network and firewall.',
  },
  ENETUNREACH: {
    code: 'timeout',
    why: 'there is no way to this network',
    fix: 'Check host, network and firewall.',
  },
  '28P01': {
    code: 'wrong-password',
    why: 'the server refuses this user and password',
    fix: 'Check user and password in the URL; the password has to be percent-encoded.',
  },
  '28000': {
    code: 'not-allowed',
    why: 'the server does not let this user in from here',
    fix: 'Check pg_hba.conf, that the role may log in, and whether the URL needs ?sslmode=require.',
  },
  '3D000': {
    code: 'no-such-database',
    why: 'there is no such database',
    fix: 'Check the database name at the end of the URL.',
  },
  '42501': {
    code: 'not-allowed',
    why: 'this user may not connect to this database',
    fix: 'Grant CONNECT on the database to the user.',
  },
  '53300': {
    code: 'too-many-connections',
    why: 'the server has no connection left',
    fix: 'Try again later, or close connections that are not needed.',
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: notTrusted,
  SELF_SIGNED_CERT_IN_CHAIN: notTrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: notTrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: {
    code: 'not-trusted',
    why: "the server's certificate is for another host name",
    fix: 'Write the host name that the certificate is for into the URL.',
  },
  '57P03': {
    code: 'starting',
    why: 'the server is starting up or shutting down',
    fix: 'Try again in a moment.',
  },
};

function connectFailure(error: unknown, what: string, place: string): PgwitnessError {
  const code = (error as { code?: unknown }).code;
  const known = typeof code === 'string' ? reasons[code] : undefined;
  const said = error instanceof Error ? error.message : String(error);
  const reason =
    known ??
    (/timeout|terminated/i.test(said)
      ? reasons['ETIMEDOUT']
      : /client password must be/i.test(said)
        ? {
            code: 'wrong-password',
            why: 'the server asks for a password and the URL has none',
            fix: 'Put the password into the URL, percent-encoded.',
          }
        : undefined);
  return new PgwitnessError({
    code: `capture.connect-${reason?.code ?? 'failed'}`,
    message: `${sentenceStart(what)} to ${place} failed: ${reason?.why ?? said}.`,
    fix: reason?.fix ?? 'Check the URL, and that the database can be reached from here with psql.',
    exit: 3,
    cause: error,
  });
}

function sentenceStart(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
