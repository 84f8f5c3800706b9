import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { frameOf, l10 } from './drain.ts';

/** A body on its way: as it is sent, and as it is to be stored. */
export interface FuzzBody {
  readonly sent: Uint8Array;
  readonly stored: Uint8Array;
  /** Content-Encoding of the request; undefined: none. */
  readonly encoding?: string;
  /** Of the stored frame's facts: set where it is kept packed. */
  readonly kept?: string;
}

const good = Buffer.concat([l10(3, '2026-06-30T10:00:00+00:00'), frameOf('a', 'b\nc', '')]);

/** Bytes of any kind, whole frames, and frames with one thing wrong. */
const plain: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc.string({ unit: 'binary', maxLength: 200 }).map((text) => Buffer.from(text)),
  fc.array(fc.string({ maxLength: 60 }), { maxLength: 8 }).map((texts) => frameOf(...texts)),
  fc.nat(good.length).map((cut) => good.subarray(0, cut)),
  fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, value]) => {
    const bad = Buffer.from(good);
    bad[at] = value;
    return bad;
  }),
  // Larger than a read of the socket, and than what zlib takes at once.
  fc.integer({ min: 60_000, max: 200_000 }).map((size) => Buffer.alloc(size, good)),
);

export const fuzzBody: fc.Arbitrary<FuzzBody> = fc.oneof(
  { weight: 4, arbitrary: plain.map((body) => ({ sent: body, stored: body })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(plain, fc.constantFrom('gzip', 'x-gzip', 'GZIP', ' gzip '))
      .map(([body, encoding]) => ({ sent: gzipSync(body), stored: body, encoding })),
  },
  {
    weight: 1,
    // Cut, or with something behind it: what can't be unpacked in whole is kept as it came.
    arbitrary: fc
      .tuple(plain, fc.integer({ min: 1, max: 8 }), fc.boolean())
      .map(([body, n, cut]) => {
        const packed = gzipSync(body);
        const sent = cut
          ? packed.subarray(0, packed.length - n)
          : Buffer.concat([packed, Buffer.alloc(n, 7)]);
        return { sent, stored: sent, encoding: 'gzip', kept: 'gzip' };
      }),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(plain, fc.constantFrom('br', 'deflate', 'gzip, gzip', '../x'))
      .map(([body, encoding]) => {
        const sent = deflateSync(body);
        return { sent, stored: sent, encoding, kept: encoding };
      }),
  },
);

/** What may stand in a header: all printable signs and bytes above them. */
const value = fc.oneof(
  fc.string({ maxLength: 80 }).map((text) => text.replace(/[^\x20-\x7e]/g, '')),
  fc.constantFrom(
    '',
    '../../etc/passwd',
    '%2e%2e%2f',
    '0',
    '-1',
    '1e9',
    'NaN',
    "';--",
    '\u00ff\u0080',
    'x'.repeat(3_000),
  ),
);

/** Headers of a drain, each as hostile as a header can be. */
export const fuzzHeaders: fc.Arbitrary<Record<string, string>> = fc.record(
  {
    'logplex-msg-count': value,
    'logplex-frame-id': fc.oneof(value, fc.constantFrom('A'.repeat(32), 'B'.repeat(32))),
    'logplex-drain-token': fc.oneof(value, fc.constantFrom('d.prod', 'd.staging')),
    'content-type': value,
    'user-agent': value,
    cookie: value,
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Record<string, string>>;
