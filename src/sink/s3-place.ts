import { PgwitnessError } from '../error.ts';

/** A bucket, and where it is. */
export interface S3Place {
  readonly bucket: string;
  readonly region: string;
  /** `https://host[:port]` of an S3 other than AWS, or of one of AWS's other endpoints. */
  readonly endpoint?: string;
  /**
   * The bucket in the path and not in the host's name. Left out: so at an endpoint that is not AWS's,
   * since few other S3s have a name for each bucket, and where the bucket's name has a dot, which
   * AWS's certificate does not cover.
   */
  readonly pathStyle?: boolean;
}

/** Where requests for a bucket's objects go. */
export interface S3Origin {
  readonly protocol: 'http:' | 'https:';
  /** Without brackets around an IPv6 address. */
  readonly hostname: string;
  /** Undefined for the protocol's own. */
  readonly port: number | undefined;
  /** What the `Host` header says, and the signature covers. */
  readonly host: string;
  /** `/bucket` or ''. */
  readonly base: string;
}

/** The endpoint as AWS's own tools take it from the environment; undefined for AWS itself. */
export function s3EndpointFrom(
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] === 'true') return undefined;
  return env['AWS_ENDPOINT_URL_S3'] || env['AWS_ENDPOINT_URL'] || undefined;
}

/** Whether the bucket stands in the path. Throws as `s3Origin` does. */
export function isPathStyle({ bucket, endpoint, pathStyle }: S3Place): boolean {
  if (pathStyle !== undefined) return pathStyle;
  if (bucket.includes('.')) return true;
  return (
    endpoint !== undefined && !/\.amazonaws\.com(\.cn)?$/.test(parseEndpoint(endpoint).hostname)
  );
}

/** For messages. Names no secret: an endpoint with a password in it is refused. */
export function describePlace({ bucket, endpoint }: S3Place): string {
  return endpoint === undefined ? `s3://${bucket}` : `s3://${bucket} at ${endpoint}`;
}

/** Throws `sink.s3-bad-place`, exit 2, for names that would lead to another host or path. */
export function s3Origin(place: S3Place): S3Origin {
  const { bucket, region } = place;
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) || bucket.includes('..')) {
    throw badPlace(
      `${JSON.stringify(bucket.slice(0, 100))} is no name of a bucket.`,
      'Name the bucket alone, without s3:// and without a path.',
    );
  }
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/i.test(region)) {
    throw badPlace(
      `${JSON.stringify(region.slice(0, 100))} is no name of a region.`,
      'Name it as the store does, e.g. us-east-1.',
    );
  }
  const url = parseEndpoint(place.endpoint ?? awsEndpoint(region));
  const pathStyle = isPathStyle(place);
  const port = url.port === '' ? undefined : Number(url.port);
  const hostname = pathStyle ? url.hostname : `${bucket}.${url.hostname}`;
  return {
    protocol: url.protocol === 'http:' ? 'http:' : 'https:',
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    host: port === undefined ? hostname : `${hostname}:${port}`,
    base: pathStyle ? `/${bucket}` : '',
  };
}

/** https://docs.aws.amazon.com/general/latest/gr/s3.html; other partitions take an endpoint. */
function awsEndpoint(region: string): string {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return `https://s3.${region}.${suffix}`;
}

function parseEndpoint(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const web = url?.protocol === 'https:' || url?.protocol === 'http:';
  const bare =
    url?.username === '' &&
    url.password === '' &&
    url.pathname === '/' &&
    url.search + url.hash === '';
  if (url === undefined || !web || !bare) {
    // Not quoted: there may be a password in it.
    throw badPlace(
      'The endpoint of the S3 is not https://host or https://host:port.',
      'Correct archive.s3.endpoint or AWS_ENDPOINT_URL_S3: no user, path or query belongs in it.',
    );
  }
  return url;
}

function badPlace(message: string, fix: string): PgwitnessError {
  return new PgwitnessError({ code: 'sink.s3-bad-place', message, fix, exit: 2 });
}
