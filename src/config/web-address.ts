/** What makes a text no web address that requests can be sent to; `why` continues "This address …". */
export type WrongAddress = 'no-url' | 'credentials' | 'query' | 'path' | 'http';

/**
 * Looks at a web address of the configuration: https, or http where the host is this machine or
 * `allowHttp` is set; no user and password, no query, no fragment, and no path unless `allowPath` is.
 * Undefined where it is in order.
 */
export function wrongAddress(
  text: string,
  given: { readonly allowHttp?: boolean; readonly allowPath?: boolean } = {},
): WrongAddress | undefined {
  // The parser takes blanks, backslashes and missing slashes, and would make something else of them.
  if (!/^https?:\/\/[^\s\\]+$/i.test(text) || !URL.canParse(text)) return 'no-url';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || /^https?:\/\/[^/?#]*@/i.test(text)) {
    return 'credentials';
  }
  if (/[?#]/.test(text)) return 'query';
  if (given.allowPath !== true && url.pathname !== '/') return 'path';
  if (url.protocol === 'http:' && given.allowHttp !== true && !isLoopback(url.hostname)) {
    return 'http';
  }
  return undefined;
}

/** Whether a host name of a URL is this machine, whatever a name server says. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
