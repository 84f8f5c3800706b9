/** What happens while a log is shipped, for whoever looks on. No secret in it. */
export type ShipEvent =
  | {
      readonly kind: 'started';
      /** Scheme and host of the drain. */
      readonly place: string;
      readonly token: string;
      /** The drain's password travels unencrypted to another machine. */
      readonly inTheClear: boolean;
    }
  | {
      readonly kind: 'sent';
      /** '' for a frame that tells of losses alone. */
      readonly file: string;
      /** Byte of the file up to which all is stored. */
      readonly offset: number;
      readonly lines: number;
      readonly bytes: number;
      readonly frame: string;
      readonly tries: number;
    }
  /** All that the server has written is stored. */
  | { readonly kind: 'caught-up' }
  | { readonly kind: 'waiting' | 'warning'; readonly why: string }
  | { readonly kind: 'unavailable' | 'refused'; readonly why: string; readonly tries: number }
  | { readonly kind: 'loss'; readonly file: string; readonly why: string }
  | { readonly kind: 'left-alone'; readonly file: string; readonly why: string };
