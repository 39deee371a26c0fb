/** Consents and their tokens. */

export interface TokenSet {
  accessToken: string;
  refreshToken: string;
  /** When the access token ends. */
  expiresAt: string;
}

export interface ConsentRequest {
  state: string;
  codeVerifier: string;
  scopes: readonly string[];
}

export interface ConsentedOrganisation {
  /** `connections[].id` of Xero: ends this one link with DELETE /connections/{id}. */
  xeroConnectionId: string;
  tenantId: string;
  name: string;
}

export interface XeroOAuth {
  /** Where the customer's browser goes to consent. */
  consentUrl(request: ConsentRequest): Promise<string>;
  /** Trades the callback's code for tokens and the organisations of that very consent. @throws XeroFault, XeroRefusal */
  exchange(
    callbackQuery: Readonly<Record<string, string>>,
    expected: { state: string; codeVerifier: string },
  ): Promise<{ tokens: TokenSet; scopes: string[]; organisations: ConsentedOrganisation[] }>;
  /** @throws XeroFault; XeroRefusal kind `authFailed` when the refresh token is no longer good. */
  refresh(refreshToken: string): Promise<TokenSet>;
  /** Ends one link at Xero and no other. @throws XeroFault, XeroRefusal */
  endConnection(accessToken: string, xeroConnectionId: string): Promise<void>;
}

/** Links between an organisation and this app, at Xero. */
export interface XeroLinks {
  /**
   * Ends one link at Xero and no other. A link that Xero does not know any more, or a grant that is dead, counts as ended.
   * @throws XeroFault when Xero cannot be had.
   */
  end(link: { grantId: string; xeroConnectionId: string }): Promise<void>;
}

export interface StoredGrant {
  id: string;
  tokens: TokenSet;
  /** Counts saves; a save names the version it read. */
  version: number;
  alive: boolean;
}

export interface Grants {
  create(grant: { id: string; tokens: TokenSet; scopes: readonly string[] }): Promise<void>;
  load(grantId: string): Promise<StoredGrant | null>;
  /** One refresher at a time in all processes; the lease ends by itself after `leaseMs`. */
  takeRefreshLease(grantId: string, versionRead: number, leaseMs: number): Promise<'taken' | 'busy' | 'changed'>;
  /** Saves only over the version read, and ends the lease. False when somebody else saved first. */
  saveTokens(grantId: string, versionRead: number, tokens: TokenSet): Promise<boolean>;
  /** Gives the lease back without a save, after a refresh that failed. */
  endRefreshLease(grantId: string, versionRead: number): Promise<void>;
  /** The refresh token of that version is no longer good: nobody tries it again. */
  markDead(grantId: string, versionRead: number): Promise<void>;
  /** Living grants of connections in use whose refresh token was made longer ago, the oldest first. */
  idle(idleMs: number): Promise<string[]>;
  /** Moves connections of dead grants to `authFailed`, with the reason; answers how many did not show it before. */
  showDead(): Promise<number>;
  /** Deletes grants that serve no connection and are older; answers how many. */
  forgetUnused(olderThanMs: number): Promise<number>;
}
