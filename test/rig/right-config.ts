/** A small file that is right, one entry a line; tests break a copy of it. */
export const rightConfig = `version: 1
archive: { folder: archive }
apps:
  shop:
    drain:
      secret_env: SHOP_DRAIN_SECRET
    database:
      owner_url_env: SHOP_OWNER_URL
      app_url_env: SHOP_APP_URL
      owner: shop_owner
      tables:
        - orders
        - customers
      append_only: [ledger]
      roles:
        shop_app: { log_statement: mod, history: [select, insert] }
    smoke:
      event: { table: ledger, row: { id: 'x-{nonce}' } }
      trigger: { table: orders, row: { id: 'x-{nonce}' } }
`;

/** A configuration's text with its archive in `folder`. */
export function withFolder(text: string, folder: string): string {
  const changed = text.replace(
    /^archive:.*\n(?: .*\n)*/m,
    `archive: { folder: ${JSON.stringify(folder)} }\n`,
  );
  if (changed === text) throw new Error('the configuration has lost its archive');
  return changed;
}
