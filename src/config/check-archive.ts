import type { CrossFault } from './cross-fault.ts';
import type { KeyPath } from './problem.ts';
import { type WrongAddress, wrongAddress } from './web-address.ts';
import { get, type Named, textAt, tree } from './written.ts';

const at: KeyPath = ['archive'];
const s3: KeyPath = ['archive', 's3'];

/** What is wrong with `archive`, as far as one key can't know of another or a shape can't say it. */
export function archiveFaults(value: unknown): CrossFault[] {
  const archive = tree(get(value, at));
  const [folder, bucket] = [archive['folder'] !== undefined, archive['s3'] !== undefined];
  const faults: CrossFault[] = [];
  if (folder && bucket) {
    faults.push({
      at: s3,
      onKey: true,
      sentence: '`archive` has both a `folder` and an `s3`.',
      fix: 'Leave the one where objects are put, and take the other out.',
    });
  } else if (!folder && !bucket && get(value, at) !== undefined) {
    faults.push({
      at,
      onKey: true,
      sentence: '`archive` has neither a `folder` nor an `s3`.',
      fix: 'Add `folder:` with a path, or `s3:` with `bucket` and `region`.',
    });
  }
  if (bucket) faults.push(...s3Faults(value));
  return faults;
}

function s3Faults(value: unknown): CrossFault[] {
  const endpoint = textAt(value, [...s3, 'endpoint']);
  const allowHttp = get(value, [...s3, 'allow_http']) === true;
  const encryption = get(value, [...s3, 'encryption']);
  const writer = textAt(value, [...s3, 'writer_profile']);
  const reader = textAt(value, [...s3, 'reader_profile']);
  const faults = [
    ...bucketFaults(textAt(value, [...s3, 'bucket'])),
    ...addressFaults(endpoint, { allowHttp }, endpointWords),
    ...storageFaults(textAt(value, [...s3, 'storage_class']), endpoint !== undefined),
  ];
  if (get(value, [...s3, 'kms_key']) !== undefined && encryption !== 'aws:kms') {
    faults.push({
      at: [...s3, 'kms_key'],
      sentence: 'A KMS key is named, and the objects are not encrypted with KMS.',
      fix: 'Add `encryption: aws:kms`, or take `kms_key` out.',
    });
  }
  if (reader !== undefined && reader.text === writer?.text) {
    faults.push({
      at: reader.at,
      sentence: 'The receiver puts with the same profile that the archive is read with.',
      fix: 'Give each a profile of its own: who puts must not be able to read, or a stolen receiver gives the archive away.',
    });
  }
  return faults;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; other S3s have the same. */
function bucketFaults(bucket: Named | undefined): CrossFault[] {
  if (bucket === undefined || bucket.text === '') return [];
  const why = wrongBucket(bucket.text);
  if (why === undefined) return [];
  return [
    {
      at: bucket.at,
      sentence: `This is no name of a bucket: it ${why}.`,
      fix: 'Write its name alone, e.g. raxx-heroku-logs-prod, without s3:// and without a path.',
    },
  ];
}

function wrongBucket(name: string): string | undefined {
  if (/[:/]/.test(name)) return 'has a colon or a slash in it';
  if (name.length < 3 || name.length > 63) return 'must have 3 to 63 characters';
  if (!/^[a-z0-9][a-z0-9.-]*[a-z0-9]$/.test(name)) {
    return 'must be lower-case letters, digits, dots and dashes, a letter or digit at both ends';
  }
  if (name.includes('..')) return 'has two dots in a row';
  if (/^\d+(\.\d+){3}$/.test(name)) return 'looks like an IP address';
  if (/^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/.test(name)) {
    return 'begins or ends with what S3 keeps for itself';
  }
  return undefined;
}

/** AWS's classes from which an object can be read at once, the archive's reader's one condition. */
const readable = ['STANDARD', 'STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER_IR'];

function storageFaults(storageClass: Named | undefined, ownEndpoint: boolean): CrossFault[] {
  if (storageClass === undefined) return [];
  const { at: place, text } = storageClass;
  if (text === 'GLACIER' || text === 'DEEP_ARCHIVE') {
    return [
      {
        at: place,
        sentence: `An object of the class ${text} can't be read before it is restored, so neither \`smoke\` nor \`trail\` would find anything.`,
        fix: 'Write GLACIER_IR or STANDARD_IA, and have a lifecycle rule move old objects.',
      },
    ];
  }
  // Another S3 names its classes as it likes.
  if (ownEndpoint || readable.includes(text) || !/^[A-Z]/.test(text)) return [];
  return [
    {
      at: place,
      sentence: 'This is no storage class of AWS that an object can be put into and read from.',
      fix: `Write one of ${readable.join(', ')}, or leave it out.`,
    },
  ];
}

interface AddressWords {
  /** What the address is, to begin a sentence with. */
  readonly what: string;
  readonly example: string;
  /** What to do about an address of http. */
  readonly http: string;
}

const endpointWords: AddressWords = {
  what: 'The endpoint',
  example: 'https://s3.example.com or http://127.0.0.1:9000',
  http: 'Write https, or add `allow_http: true` where the way there is yours alone.',
};

const receiverWords: AddressWords = {
  what: 'The URL of the receiver',
  example: 'https://logs.example.com/',
  http: 'Write https, with a proxy or a Function URL that ends TLS: Logplex takes no other.',
};

/** What is wrong with `receiver.url`. */
export function receiverUrlFaults(value: unknown): CrossFault[] {
  const url = textAt(value, ['receiver', 'url']);
  return addressFaults(url, { allowPath: true }, receiverWords);
}

function addressFaults(
  address: Named | undefined,
  given: Parameters<typeof wrongAddress>[1],
  { what, example, http }: AddressWords,
): CrossFault[] {
  if (address === undefined || address.text === '') return [];
  const wrong = wrongAddress(address.text, given);
  if (wrong === undefined) return [];
  const told: Record<WrongAddress, readonly [string, string]> = {
    'no-url': [`${what} is no web address.`, `Write it whole, e.g. ${example}.`],
    credentials: [
      `${what} has a user or password in it, and the file is no place for secrets.`,
      `Write it without, e.g. ${example}, and change the secret if the file was ever shared.`,
    ],
    query: [`${what} has a query or a fragment.`, `Write it without, e.g. ${example}.`],
    path: [`${what} has a path.`, `Write it without, e.g. ${example}.`],
    http: [`${what} is http, and not on this machine: what is sent there could be read.`, http],
  };
  const [sentence, fix] = told[wrong];
  return [{ at: address.at, sentence, fix }];
}
