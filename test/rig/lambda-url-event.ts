/** A request to a Function URL. */
export interface UrlRequest {
  readonly method?: string;
  readonly path?: string;
  /** In lower case, as a Function URL passes them on. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Bytes come as base64, and text as it is, unless this says otherwise. */
  readonly base64?: boolean;
  /** When the URL had the request, in epoch milliseconds. */
  readonly at?: number;
}

/**
 * The event that a Function URL makes of a request: payload format 2.0.
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
 */
export function urlEvent(request: UrlRequest): object {
  const { method = 'POST', path = '/', headers = {}, body, at = Date.now() } = request;
  const base64 = request.base64 ?? typeof body === 'object';
  const host = 'abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws';
  const sourceIp = '203.0.113.7';
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: '',
    headers: {
      'x-amzn-tls-cipher-suite': 'TLS_AES_128_GCM_SHA256',
      'x-amzn-tls-version': 'TLSv1.3',
      'x-amzn-trace-id': 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '443',
      'x-forwarded-for': sourceIp,
      ...{ accept: '*/*', host },
      ...headers,
    },
    requestContext: {
      accountId: 'anonymous',
      apiId: host.split('.')[0],
      domainName: host,
      domainPrefix: host.split('.')[0],
      http: { method, path, protocol: 'HTTP/1.1', sourceIp, userAgent: 'Logplex/v96' },
      requestId: 'e1506fd5-9e7b-434f-bd42-4f8fa224b599',
      routeKey: '$default',
      stage: '$default',
      time: new Date(at).toISOString(),
      timeEpoch: at,
    },
    ...(body === undefined ? {} : { body: Buffer.from(body).toString(base64 ? 'base64' : 'utf8') }),
    isBase64Encoded: base64,
  };
}
