import { expect, test } from 'vitest';
import type { ColumnFacts } from './read-database.ts';
import { sensitiveColumns } from './sensitive-columns.ts';

const types: Readonly<Record<string, Pick<ColumnFacts, 'base' | 'category'>>> = {
  text: { base: 'text', category: 'S' },
  citext: { base: 'citext', category: 'S' },
  bytea: { base: 'bytea', category: 'U' },
  jsonb: { base: 'jsonb', category: 'U' },
  uuid: { base: 'uuid', category: 'U' },
  inet: { base: 'inet', category: 'I' },
  cidr: { base: 'cidr', category: 'I' },
  macaddr: { base: 'macaddr', category: 'U' },
  int: { base: 'int4', category: 'N' },
  date: { base: 'date', category: 'D' },
  timestamptz: { base: 'timestamptz', category: 'D' },
  boolean: { base: 'bool', category: 'B' },
};

/** `table.column type` with what is proposed for it. */
function proposed(written: string): string {
  const [, table = '', name = '', type = '', rest = ''] =
    /^(.+?)\.(\S+) (\S+)(.*)$/.exec(written) ?? [];
  const column: ColumnFacts = {
    name,
    type,
    ...(types[type] ?? { base: type, category: 'U' }),
    inKey: rest.includes('key'),
    references: rest.includes('references'),
  };
  return sensitiveColumns(table, [column])[0]?.list ?? '';
}

test.each([
  'users.password text',
  'users.encrypted_password text',
  'users.passwordHash text',
  'users.PasswordDigest bytea',
  'users.salt bytea',
  'users.reset_password_token text',
  'users.refresh_tokens jsonb',
  'sessions.token_digest bytea',
  'api_clients.token uuid',
  'api_clients.client_secret text',
  'api_clients.apiKey text',
  'users.otp_secret text',
  'users.two_factor_recovery_codes text',
  'hosts.private_key text',
  'cards.cvv text',
  'django_session.session_data text',
  'sessions.payload jsonb',
])('of %s nothing is captured', (column) => {
  expect(proposed(column)).toBe('exclude');
});

test.each([
  'users.current_sign_in_ip inet',
  'users.last_seen_from inet',
  'logins.ip_address text',
  'logins.clientIp text',
  'logins.user_agent text',
  'devices.device_id text',
  'devices.push_token text',
  'devices.mac macaddr',
  'payments.card_number text',
  'payouts.iban text',
  'people.ssn text',
  'people.tax_id text',
  'events.session_id text',
  // What a row is known by can't be left out of its own history.
  'django_session.session_key text key',
  'sessions.id text key',
  'api_tokens.token text key',
])('%s is captured as a token', (column) => {
  expect(proposed(column)).toBe('mask');
});

test.each([
  'users.email citext',
  'users.backup_email text',
  'orders.customerEmail text',
  'users.first_name text',
  'users.lastName text',
  'users.username text',
  'customers.name text',
  'users.display_name text',
  'users.phone text',
  'users.mobile_number text',
  'orders.shipping_address jsonb',
  'addresses.postal_code text',
  'users.date_of_birth date',
  'users.dob text',
])('%s is a subject’s own', (column) => {
  expect(proposed(column)).toBe('personal');
});

test.each([
  // Told by the type.
  'users.password_changed_at timestamptz',
  'users.has_password boolean',
  'usage.prompt_tokens int',
  'users.email_verified_at timestamptz',
  'users.email_verified boolean',
  'networks.range cidr',
  // Told by the rest of the name.
  'tokens.token_type text',
  'users.password_hint_url text',
  'api_keys.api_key_id text',
  'mails.email_template text',
  'devices.phone_type text',
  'payments.card_last4 text',
  'wallets.wallet_address text',
  // A reference, and a thing's name.
  'readings.device_id uuid references',
  'orders.session_id uuid references',
  'rates.tax_id int',
  'products.name text',
  'products.display_name text',
  'passkeys.credential_id bytea key',
  'passkeys.public_key bytea',
  'sessions.id uuid key',
  'items.description text',
  'shipments.zipper text',
  'recipes.ship text',
])('%s is captured as it is', (column) => {
  expect(proposed(column)).toBe('');
});
