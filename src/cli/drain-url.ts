/** `https://user:password@host/…`: what a drain posts to. `url` is one that the configuration takes. */
export function drainUrl(url: string, user: string, password: string): string {
  const drain = new URL(url);
  // The setters leave some signs as they are that end the userinfo to other readers.
  drain.username = encodeURIComponent(user);
  drain.password = encodeURIComponent(password);
  return drain.href;
}
