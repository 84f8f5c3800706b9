import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { CredentialSource } from './aws-credentials.ts';
import type { S3Origin } from './s3-place.ts';

/** Headers of a request with those that sign it among them. */
export type S3Signer = (request: {
  readonly method: string;
  /** Encoded as it is sent. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}) => Promise<Record<string, string>>;

/**
 * Signs with AWS Signature 4. The caller sets `x-amz-content-sha256`, so that the body is covered and
 * is hashed once. `now`: epoch milliseconds.
 */
export function createS3Signer(
  origin: S3Origin,
  region: string,
  credentials: CredentialSource,
  now: () => number,
): S3Signer {
  const signer = new SignatureV4({
    service: 's3',
    region,
    credentials,
    sha256: NodeSha256,
    // S3 alone among AWS's services signs the path as it is sent.
    uriEscapePath: false,
  });
  return async ({ method, path, headers }) => {
    const { protocol, hostname, host } = origin;
    const signed = await signer.sign(
      { protocol, hostname, method, path, query: {}, headers: { host, ...headers } },
      { signingDate: new Date(now()) },
    );
    return signed.headers;
  };
}

/** SHA-256, keyed where there is a secret, in the shape that the signer asks for. */
export class NodeSha256 {
  private readonly secret: string | NodeJS.ArrayBufferView | undefined;
  private state: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.secret = secret instanceof ArrayBuffer ? new Uint8Array(secret) : toView(secret);
    this.state = this.begin();
  }

  update(data: Uint8Array): void {
    this.state.update(data);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.state.digest());
  }

  reset(): void {
    this.state = this.begin();
  }

  private begin(): Hash | Hmac {
    return this.secret === undefined ? createHash('sha256') : createHmac('sha256', this.secret);
  }
}

function toView(secret: string | ArrayBufferView | undefined) {
  if (secret === undefined || typeof secret === 'string') return secret;
  return new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength);
}
