/** The auth port: who may do what. Tokens come in headers, tickets (one use, 60 s) in URLs, nothing else ever does. */

/** What a credential allows: all, looking, or being a worker's or manager's end of a link. */
export type Scope = 'admin' | 'viewer' | 'join';

/** Checks credentials and hands out short-lived ones. */
export interface Auth {
  /** The scope a bearer token gives, or undefined. Takes the same time for every wrong token. */
  scopeOf(token: string): Scope | undefined;
  /** A ticket for one use within `ticketMs`. @throws CubeError `busy` when too many are out */
  issueTicket(scope: Scope): string;
  /** Uses a ticket up. */
  redeemTicket(ticket: string): Scope | undefined;
  /** A token for a page that logged in with a ticket; it ends after `sessionMs`. */
  openSession(scope: Scope): string;
}
