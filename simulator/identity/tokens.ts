import { createHash, randomUUID } from 'node:crypto';
import type { SigningKey } from './keys.js';
import { ACCESS_SECONDS, type Grant, type IdentityStore } from './store.js';

/** The answer of the token endpoint. */
export interface TokenSet {
  id_token?: string;
  access_token: string;
  expires_in: number;
  token_type: 'Bearer';
  refresh_token?: string;
  scope: string;
}

/** A stable id for a user. */
export const userId = (user: string): string => {
  const hex = createHash('sha256').update(user.toLowerCase()).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

const leftHalfHash = (token: string): string =>
  createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url');

/** Makes token sets: RS256 JWTs with `authentication_event_id`, as Xero's look (xero-api.md §5). */
export class TokenMint {
  constructor(
    private readonly store: IdentityStore,
    private readonly key: SigningKey,
  ) {}

  /** A token set of a grant; refresh and id tokens only where the scopes ask for them. */
  mint(grant: Grant, issuer: string, nonce?: string): TokenSet {
    const access = this.accessToken(grant, issuer);
    const offline = grant.scopes.includes('offline_access');
    return {
      ...(grant.scopes.includes('openid') && { id_token: this.idToken(grant, issuer, access, nonce) }),
      access_token: access,
      expires_in: ACCESS_SECONDS,
      token_type: 'Bearer',
      ...(offline && { refresh_token: this.store.issueRefreshToken(grant) }),
      scope: grant.scopes.join(' '),
    };
  }

  private accessToken(grant: Grant, issuer: string): string {
    return this.store.issueAccessToken(grant, (issuedAt, expiresAt) =>
      this.key.sign({
        nbf: issuedAt,
        exp: expiresAt,
        iss: issuer,
        aud: `${issuer}/resources`,
        client_id: grant.clientId,
        sub: userId(grant.user).replaceAll('-', ''),
        auth_time: Math.floor(grant.grantedAt / 1000),
        xero_userid: userId(grant.user),
        global_session_id: grant.id.replaceAll('-', ''),
        jti: randomUUID().replaceAll('-', '').toUpperCase(),
        authentication_event_id: grant.authEventId,
        scope: grant.scopes,
      }),
    );
  }

  private idToken(grant: Grant, issuer: string, access: string, nonce: string | undefined): string {
    const { issuedAt = 0, expiresAt = 0 } = this.store.accessTokens.get(access) ?? {};
    const [name = 'Demo'] = grant.user.split('@');
    const claims = {
      nbf: issuedAt / 1000,
      exp: expiresAt / 1000,
      iss: issuer,
      aud: grant.clientId,
      iat: issuedAt / 1000,
      at_hash: leftHalfHash(access),
      ...(nonce && { nonce }),
      sid: grant.id.replaceAll('-', ''),
      sub: userId(grant.user).replaceAll('-', ''),
      auth_time: Math.floor(grant.grantedAt / 1000),
      xero_userid: userId(grant.user),
      global_session_id: grant.id.replaceAll('-', ''),
      preferred_username: grant.user,
      email: grant.user,
      given_name: name,
      family_name: 'User',
      name: `${name} User`,
    };
    return this.store.noteIdToken(this.key.sign(claims));
  }
}
