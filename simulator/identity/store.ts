import { randomBytes } from 'node:crypto';
import type { Clock } from '../core/clock.js';
import { newGuid } from '../core/guid.js';
import type { Journal } from '../core/journal.js';

/** An app registered with the simulator. */
export interface Client {
  id: string;
  secret: string;
  redirectUris: string[];
  /** A custom connection: client credentials for this one organisation. */
  tenantId?: string;
}

/** One consent of one user for one app: everything that comes from it ends with it. */
export interface Grant {
  id: string;
  clientId: string;
  user: string;
  scopes: string[];
  authEventId: string;
  grantedAt: number;
  revoked?: boolean;
}

export interface Code {
  code: string;
  grantId: string;
  redirectUri: string;
  nonce?: string;
  challenge?: string;
  challengeMethod?: string;
  issuedAt: number;
  expiresAt: number;
  usedAt?: number;
}

export interface AccessToken {
  token: string;
  grantId: string;
  issuedAt: number;
  expiresAt: number;
}

export interface RefreshToken {
  token: string;
  grantId: string;
  issuedAt: number;
  expiresAt: number;
  usedAt?: number;
}

/** An organisation that a user has connected to an app. */
export interface Connection {
  id: string;
  authEventId: string;
  clientId: string;
  user: string;
  tenantId: string;
  createdAt: number;
  updatedAt: number;
}

const CODE_MS = 5 * 60_000;
const ACCESS_SECONDS = 1_800;
const REFRESH_MS = 60 * 86_400_000;
const GRACE_MS = 30 * 60_000;

const opaque = (): string => randomBytes(32).toString('base64url');

/** Consents, codes, tokens and connections (xero-api.md §5), all kept over restarts. */
export class IdentityStore {
  readonly grants = new Map<string, Grant>();
  readonly codes = new Map<string, Code>();
  readonly accessTokens = new Map<string, AccessToken>();
  readonly refreshTokens = new Map<string, RefreshToken>();
  readonly idTokens: string[] = [];
  readonly connections = new Map<string, Connection>();
  private readonly record;

  constructor(
    journal: Journal,
    private readonly clock: Clock,
    readonly clients: Client[],
  ) {
    this.record = {
      grant: journal.event<Grant>('consentGiven', (grant) => void this.grants.set(grant.id, { ...grant })),
      code: journal.event<Code>('codeIssued', (code) => void this.codes.set(code.code, { ...code })),
      codeUsed: journal.event<{ code: string; at: number }>('codeUsed', ({ code, at }) => {
        Object.assign(this.codes.get(code) ?? {}, { usedAt: at });
      }),
      access: journal.event<AccessToken>('accessTokenIssued', (token) => {
        this.accessTokens.set(token.token, { ...token });
      }),
      refresh: journal.event<RefreshToken>('refreshTokenIssued', (token) => {
        this.refreshTokens.set(token.token, { ...token });
      }),
      idToken: journal.event<{ token: string }>('idTokenIssued', ({ token }) => void this.idTokens.push(token)),
      refreshUsed: journal.event<{ token: string; at: number }>('refreshTokenUsed', ({ token, at }) => {
        Object.assign(this.refreshTokens.get(token) ?? {}, { usedAt: at });
      }),
      connection: journal.event<Connection>('connected', (connection) => {
        this.connections.set(connection.id, { ...connection });
      }),
      disconnected: journal.event<{ ids: string[] }>('disconnected', ({ ids }) => {
        for (const id of ids) this.connections.delete(id);
      }),
      revoked: journal.event<{ grantIds: string[] }>('grantsRevoked', ({ grantIds }) => {
        for (const id of grantIds) Object.assign(this.grants.get(id) ?? {}, { revoked: true });
      }),
      expired: journal.event<{ at: number }>('accessTokensExpired', ({ at }) => {
        for (const token of this.accessTokens.values()) token.expiresAt = Math.min(token.expiresAt, at);
      }),
    };
  }

  client(id: string): Client | undefined {
    return this.clients.find((client) => client.id === id);
  }

  /** A user allows an app to see some organisations. */
  consent(clientId: string, user: string, scopes: string[], tenantIds: string[]): Grant {
    const now = this.clock.now();
    const grant = { id: newGuid(), clientId, user, scopes, authEventId: newGuid(), grantedAt: now };
    this.record.grant(grant);
    for (const tenantId of tenantIds) this.connect(grant, tenantId);
    return grant;
  }

  private connect(grant: Grant, tenantId: string): void {
    const { clientId, user, authEventId, grantedAt } = grant;
    const existing = this.connectionTo(clientId, user, tenantId);
    const { id, createdAt } = existing ?? { id: newGuid(), createdAt: grantedAt };
    this.record.connection({ id, authEventId, clientId, user, tenantId, createdAt, updatedAt: grantedAt });
  }

  /** The connection through which a user's token reaches an organisation. */
  connectionTo(clientId: string, user: string, tenantId: string): Connection | undefined {
    return this.connectionsOf(clientId, user).find((connection) => connection.tenantId === tenantId);
  }

  connectionsOf(clientId: string, user: string): Connection[] {
    return [...this.connections.values()].filter((one) => one.clientId === clientId && one.user === user);
  }

  disconnect(ids: string[]): void {
    this.record.disconnected({ ids });
  }

  issueCode(grant: Grant, redirectUri: string, pkce: Pick<Code, 'challenge' | 'challengeMethod' | 'nonce'>): string {
    const now = this.clock.now();
    const code = opaque();
    this.record.code({ code, grantId: grant.id, redirectUri, ...pkce, issuedAt: now, expiresAt: now + CODE_MS });
    return code;
  }

  /** A code is good once, for five minutes; who fails a check may not have a second try. */
  takeCode(code: string): Code | undefined {
    const known = this.codes.get(code);
    const now = this.clock.now();
    if (!known || known.usedAt !== undefined || now >= known.expiresAt) return undefined;
    this.record.codeUsed({ code, at: now });
    return known;
  }

  /** The grant of a refresh token that may still be used: unused, or used less than 30 minutes ago. */
  takeRefreshToken(token: string): Grant | undefined {
    const known = this.refreshTokens.get(token);
    const now = this.clock.now();
    if (!known || now >= known.expiresAt) return undefined;
    if (known.usedAt !== undefined && now >= known.usedAt + GRACE_MS) return undefined;
    const grant = this.grants.get(known.grantId);
    if (!grant || grant.revoked) return undefined;
    if (known.usedAt === undefined) this.record.refreshUsed({ token, at: now });
    return grant;
  }

  /** Registers an access token that `make` signs. */
  issueAccessToken(grant: Grant, make: (issuedAt: number, expiresAt: number) => string): string {
    const seconds = Math.floor(this.clock.now() / 1000);
    const token = make(seconds, seconds + ACCESS_SECONDS);
    const expiresAt = (seconds + ACCESS_SECONDS) * 1000;
    this.record.access({ token, grantId: grant.id, issuedAt: seconds * 1000, expiresAt });
    return token;
  }

  /** Notes an id token: nobody shows it again, but it must not turn up anywhere either. */
  noteIdToken(token: string): string {
    this.record.idToken({ token });
    return token;
  }

  issueRefreshToken(grant: Grant): string {
    const now = this.clock.now();
    const token = opaque();
    this.record.refresh({ token, grantId: grant.id, issuedAt: now, expiresAt: now + REFRESH_MS });
    return token;
  }

  /** Ends every consent of a user for an app, and with them every connection. */
  revokeUser(clientId: string, user: string): void {
    const grants = [...this.grants.values()].filter((one) => one.clientId === clientId && one.user === user);
    this.record.revoked({ grantIds: grants.map(({ id }) => id) });
    this.disconnect(this.connectionsOf(clientId, user).map(({ id }) => id));
  }

  expireAccessTokens(): void {
    this.record.expired({ at: this.clock.now() });
  }
}

export { ACCESS_SECONDS };
