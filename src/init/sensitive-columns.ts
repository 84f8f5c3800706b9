import { isAboutPeople, isSessionStore, wordsOf } from './column-name.ts';
import type { ColumnFacts } from './read-database.ts';

/** What is proposed for a column: one list of the configuration, and why. */
export interface ColumnProposal {
  readonly name: string;
  readonly list: 'exclude' | 'mask' | 'personal';
  readonly why: string;
}

type Kind =
  | 'text'
  | 'bytes'
  | 'json'
  | 'uuid'
  | 'number'
  | 'date'
  | 'address'
  | 'hardware'
  | 'other';

interface Rule {
  readonly list: ColumnProposal['list'];
  /** Looked for in the column's words, as `wordsOf` writes them. */
  readonly name: RegExp;
  /** What says that the column only tells something about the thing. */
  readonly not?: RegExp;
  readonly kinds: readonly Kind[];
  readonly why: string;
  readonly where?: (column: ColumnFacts, table: string) => boolean;
}

const secretKinds: readonly Kind[] = ['text', 'bytes', 'json'];
/** The words that end a name which tells about a secret, and is none. */
const aboutSecret =
  /_(at|on|by|id|ids|name|type|kind|count|state|status|enabled|version|algorithm|algo|prefix|suffix|hint|url|uri|expiry|expires|policy|length|scope|scopes|last4)_$/;
const aboutPerson =
  /_(at|on|by|id|ids|type|kind|count|state|status|enabled|verified|confirmed|template|subject|body|domain|provider|preference|preferences|frequency|format|label|country|carrier)_$/;
const notReference = (column: ColumnFacts) => !column.references;

/** The first that fits a column is taken: secrets before identifiers before personal data. */
const rules: readonly Rule[] = [
  {
    list: 'exclude',
    name: /passw(or)?d|passphrase|_passcode_|_pwd_|_pass_(hash|digest|salt)_|_pw_?hash_|_salt_/,
    not: aboutSecret,
    kinds: secretKinds,
    why: 'a password or its digest',
  },
  {
    list: 'mask',
    name: /_(device|push|fcm|apns|registration)_(token|id|identifier|uuid|fingerprint|serial)_|_(browser_|device_)?fingerprint_|_(imei|idfa|idfv|gaid|advertising_id)_|_mac_?addr(ess)?_/,
    kinds: ['text', 'bytes', 'uuid'],
    why: 'tells one device from another',
    where: notReference,
  },
  { list: 'mask', name: /_/, kinds: ['hardware'], why: 'tells one device from another' },
  {
    list: 'exclude',
    name: /_(otp|totp|hotp|mfa|2fa|tfa|two_factor|second_factor)_(.*_)?(seed|key|code|codes)_|_(backup|recovery|scratch)_codes?_/,
    not: aboutSecret,
    kinds: secretKinds,
    why: 'a second factor of a login',
  },
  {
    list: 'exclude',
    name: /_secrets?_|_(private|secret|signing|encryption|api|access|auth)_?key_|_privkey_|_pin_(hash|digest|code)_/,
    not: aboutSecret,
    kinds: secretKinds,
    why: 'a secret or a key',
  },
  {
    list: 'exclude',
    name: /_tokens?_|_jwt_|_cookies?_|_(reset|verification|confirmation|activation|login|auth|authorization)_(code|key|hash|digest)_|_magic_link_|_security_answer_/,
    not: aboutSecret,
    kinds: [...secretKinds, 'uuid'],
    why: 'whoever has it can act as the user',
    where: notReference,
  },
  {
    list: 'exclude',
    name: /_credentials?_/,
    not: aboutSecret,
    kinds: secretKinds,
    why: 'a credential',
    where: notReference,
  },
  {
    list: 'exclude',
    name: /_(cvv2?|cvc2?|card_security_code)_/,
    kinds: ['text', 'number', 'bytes'],
    why: "a card's security code, which PCI DSS lets nobody keep",
  },
  {
    list: 'exclude',
    name: /^_(session_)?(data|payload|sess|session)_$/,
    kinds: secretKinds,
    why: 'what a login session holds',
    where: (_, table) => isSessionStore(table),
  },
  {
    list: 'mask',
    name: /_session_(id|key)_|_sid_/,
    kinds: ['text', 'bytes'],
    why: 'whoever has it can act as the user; masked, so that sessions can still be told apart',
    where: notReference,
  },
  {
    list: 'mask',
    name: /^_id_$/,
    kinds: ['text'],
    why: 'a login session is known by it, and whoever has it can act as the user',
    where: (column, table) => isSessionStore(table) && column.inKey,
  },
  { list: 'mask', name: /_/, kinds: ['address'], why: 'an IP address' },
  {
    list: 'mask',
    name: /_ips?_|_ip_?addr(ess)?(es)?_|_ipv[46]_|_remote_(addr|address|host)_|_client_addr(ess)?_|_forwarded_for_/,
    kinds: ['text'],
    why: 'an IP address',
  },
  { list: 'mask', name: /_user_?agent_|_ua_/, kinds: ['text'], why: "the browser's user agent" },
  {
    list: 'mask',
    name: /_(card|cc|credit_?card|debit_?card)_?(number|num|no|pan)_|_pan_|_iban_|_(bank_)?account_(number|no|num)_|_routing_number_|_sort_code_/,
    kinds: ['text', 'number', 'bytes'],
    why: 'the number of a card or of a bank account',
    where: notReference,
  },
  {
    list: 'mask',
    name: /_ssn_|_social_security|_nino_|_tax_(id|number)_|_national_(id|insurance|identity)(_|$)|_passport_(number|no|id)_|_passport_$|_driv(er|ers|ing)_?licen[sc]e|_identity_(number|card)_|_personal_(id|number|code)_/,
    not: /_(at|on|type|kind|status|country|expiry|url)_$/,
    kinds: ['text', 'number', 'bytes'],
    why: 'a number that a state knows a person by',
    // A number that ends in id rather points to another table.
    where: (column) => !column.references && (column.category !== 'N' || !/id$/i.test(column.name)),
  },
  {
    list: 'personal',
    name: /email|_e_mails?_|_mail_address_/,
    not: aboutPerson,
    kinds: ['text'],
    why: 'an e-mail address',
  },
  {
    list: 'personal',
    name: /_(tele)?phones?_|_(tele)?phone_?(number|no)s?_|_cell_?phone|_mobile_|_mobile_(number|no)_|_fax_|_msisdn_/,
    not: aboutPerson,
    kinds: ['text', 'number'],
    why: 'a phone number',
  },
  {
    list: 'personal',
    name: /_(first|last|middle|given|family|full|maiden|legal|nick|real|preferred|sur|contact|person|recipient|holder|cardholder|user)_?names?_|_surnames?_|_forenames?_|_initials_/,
    not: aboutPerson,
    kinds: ['text'],
    why: "a person's name",
  },
  {
    list: 'personal',
    name: /^_(name|login|handle|display_?name|screen_?name)_$/,
    kinds: ['text'],
    why: "a person's name",
    where: (_, table) => isAboutPeople(table),
  },
  {
    list: 'personal',
    name: /_(street|addresse?s?|addr|address_?line_?\d?|address_?\d|line_?\d|post_?code|postal_?code|zip|zip_?code)_/,
    not: /_(wallet|contract|token|memory|site|web|url|chain|tx|ip|mac)_|_(at|on|by|id|ids|type|kind|status|verified|label)_$/,
    kinds: ['text', 'json'],
    why: 'a postal address',
  },
  {
    list: 'personal',
    name: /_(birth|birthday|birthdate|birth_?(date|day|year|place)|dob|born)_/,
    kinds: ['text', 'date', 'number'],
    why: 'when or where a person was born',
  },
];

/** What is proposed for each column of a table, by its name and its type; most columns get nothing. */
export function sensitiveColumns(
  table: string,
  columns: readonly ColumnFacts[],
): readonly ColumnProposal[] {
  return columns.flatMap((column) => {
    const words = wordsOf(column.name);
    const kind = kindOf(column);
    const rule = rules.find(
      ({ name, not, kinds, where }) =>
        kinds.includes(kind) &&
        name.test(words) &&
        not?.test(words) !== true &&
        (where === undefined || where(column, table)),
    );
    if (rule === undefined) return [];
    const { list, why } = rule;
    // Without its key a row of history could not be told from another; a token still tells it.
    return list === 'exclude' && column.inKey
      ? [{ name: column.name, list: 'mask', why: `${why}; masked, as the row is known by it` }]
      : [{ name: column.name, list, why }];
  });
}

function kindOf({ category, base }: ColumnFacts): Kind {
  if (base === 'bytea') return 'bytes';
  if (base === 'json' || base === 'jsonb' || base === 'hstore') return 'json';
  if (base === 'uuid') return 'uuid';
  if (base === 'macaddr' || base === 'macaddr8') return 'hardware';
  // cidr is a network: of it nobody is one.
  if (base === 'inet') return 'address';
  const kinds: Readonly<Record<string, Kind>> = { S: 'text', N: 'number', D: 'date' };
  return kinds[category] ?? 'other';
}
