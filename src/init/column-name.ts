/**
 * The words of a name in lower case, each between underscores, so that one pattern finds a word at
 * either end: `resetPasswordToken` and `Reset-Password-Token` are `_reset_password_token_`.
 */
export function wordsOf(name: string): string {
  const words = name
    .replace(/(\p{Ll}|\d)(\p{Lu})/gu, '$1_$2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1_$2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
  return `_${words.join('_')}_`;
}

const people = new Set(
  (
    'account admin administrator applicant attendee author beneficiary candidate cardholder client contact ' +
    'customer driver employee guest individual lead member participant passenger patient people person ' +
    'profile recipient resident staff student subscriber teacher user'
  ).split(' '),
);

/** Whether each row of a table of this name is likely a person: `customers`, `admin_users`. */
export function isAboutPeople(table: string): boolean {
  const last = wordsOf(table).split('_').at(-2) ?? '';
  return [last, last.replace(/s$/, '')].some((word) => people.has(word));
}

/** Whether each row of a table of this name is likely a login session. */
export function isSessionStore(table: string): boolean {
  return /_sess(ion)?s?_$/.test(wordsOf(table));
}
