import { expect, test } from 'vitest';
import { type S3Place, s3EndpointFrom, s3Origin } from './s3-place.ts';

const place = { bucket: 'logs-prod', region: 'eu-west-1' };

test.each<[Partial<S3Place>, string, string]>([
  [{}, 'https://logs-prod.s3.eu-west-1.amazonaws.com', ''],
  [{ pathStyle: true }, 'https://s3.eu-west-1.amazonaws.com', '/logs-prod'],
  // The certificate's asterisk stands for no dot.
  [{ bucket: 'logs.prod' }, 'https://s3.eu-west-1.amazonaws.com', '/logs.prod'],
  [{ region: 'cn-north-1' }, 'https://logs-prod.s3.cn-north-1.amazonaws.com.cn', ''],
  [{ endpoint: 'http://127.0.0.1:9000' }, 'http://127.0.0.1:9000', '/logs-prod'],
  [{ endpoint: 'https://s3.example.com/' }, 'https://s3.example.com', '/logs-prod'],
  [
    { endpoint: 'https://s3.example.com', pathStyle: false },
    'https://logs-prod.s3.example.com',
    '',
  ],
  [
    { endpoint: 'https://s3.dualstack.eu-west-1.amazonaws.com' },
    'https://logs-prod.s3.dualstack.eu-west-1.amazonaws.com',
    '',
  ],
  [{ endpoint: 'http://[::1]:9000' }, 'http://[::1]:9000', '/logs-prod'],
])('%j is asked for at %s, path %j', (change, origin, base) => {
  const found = s3Origin({ ...place, ...change });
  expect(`${found.protocol}//${found.host}`).toBe(origin);
  expect(found.base).toBe(base);
  expect(found.hostname).toBe(new URL(origin).hostname.replace(/[[\]]/g, ''));
});

test.each<Partial<S3Place>>([
  { bucket: '' },
  { bucket: 'a' },
  { bucket: 'Logs' },
  { bucket: 'a..b' },
  { bucket: 'evil.example.com/x' },
  { bucket: 'a?b' },
  { bucket: 'logs\r\nhost: x' },
  { region: '' },
  { region: 'eu-west-1.evil.example.com/' },
  { region: 'a/b' },
  { endpoint: 's3.example.com' },
  { endpoint: 'ftp://s3.example.com' },
  { endpoint: 'https://s3.example.com/base' },
  { endpoint: 'https://s3.example.com/?x=1' },
  { endpoint: 'https://user:hunter2@s3.example.com' },
])('%j leads elsewhere than meant, and is refused without telling a password', (change) => {
  expect(() => s3Origin({ ...place, ...change })).toThrow(
    expect.objectContaining({
      code: 'sink.s3-bad-place',
      exit: 2,
      message: expect.not.stringContaining('hunter2'),
    }),
  );
});

test('the endpoint comes from the environment as AWS’s own tools take it', () => {
  const general = { AWS_ENDPOINT_URL: 'https://general.example.com' };
  const special = { AWS_ENDPOINT_URL_S3: 'https://s3.example.com' };
  expect(s3EndpointFrom({})).toBeUndefined();
  expect(s3EndpointFrom({ AWS_ENDPOINT_URL_S3: '', ...general })).toBe(general.AWS_ENDPOINT_URL);
  expect(s3EndpointFrom({ ...general, ...special })).toBe(special.AWS_ENDPOINT_URL_S3);
  expect(
    s3EndpointFrom({ ...special, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }),
  ).toBeUndefined();
});
