import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { badToken, expiredToken, notFound } from '../accounting/errors.js';
import { sevenDecimals } from '../core/calendar.js';
import type { Clock } from '../core/clock.js';
import type { Organisations } from '../data/organisations.js';
import type { Settings } from '../settings.js';
import { consentPage, errorPage } from './consentPage.js';
import type { SigningKey } from './keys.js';
import { unknownScopes } from './scopes.js';
import type { Client, Code, Grant, IdentityStore } from './store.js';
import { TokenMint } from './tokens.js';

export interface IdentityParts {
  store: IdentityStore;
  key: SigningKey;
  clock: Clock;
  settings: Settings;
  organisations: Organisations;
}

const DEFAULT_USER = 'demo.user@example.com';

type Form = Record<string, string | string[] | undefined>;
type Refused = { error: string; status?: number };

const one = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);
const many = (value: string | string[] | undefined): string[] => (value === undefined ? [] : [value].flat());
const originOf = (request: FastifyRequest): string => `http://${request.headers.host}`;

/** Who a bearer token belongs to; what is wrong with it is thrown as Xero answers it (xero-api.md §3). */
export function authenticate(store: IdentityStore, clock: Clock, authorization: string | undefined): Grant {
  const token = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
  const known = token === undefined ? undefined : store.accessTokens.get(token);
  const grant = known && store.grants.get(known.grantId);
  if (!known || !grant || grant.revoked) throw badToken();
  if (clock.now() >= known.expiresAt) throw expiredToken(known.expiresAt);
  return grant;
}

/** The identity server and the connections resource (xero-api.md §5). */
export function identityRoutes(app: FastifyInstance, parts: IdentityParts): void {
  discoveryRoutes(app, parts);
  consentRoutes(app, parts);
  tokenRoutes(app, parts);
  connectionRoutes(app, parts);
}

function discoveryRoutes(app: FastifyInstance, { key }: IdentityParts): void {
  app.get('/.well-known/openid-configuration', (request) => {
    const issuer = originOf(request);
    return {
      issuer,
      jwks_uri: `${issuer}/.well-known/openid-configuration/jwks`,
      authorization_endpoint: `${issuer}/identity/connect/authorize`,
      token_endpoint: `${issuer}/connect/token`,
      revocation_endpoint: `${issuer}/connect/revocation`,
      scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code', 'client_credentials', 'refresh_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic'],
      code_challenge_methods_supported: ['plain', 'S256'],
    };
  });
  app.get('/.well-known/openid-configuration/jwks', () => ({ keys: [key.jwk()] }));
}

function consentRoutes(app: FastifyInstance, parts: IdentityParts): void {
  app.get<{ Querystring: Form }>('/identity/connect/authorize', (request, reply) => {
    const asked = readAuthorize(parts, request.query);
    return 'problem' in asked ? refuseAuthorize(reply, asked.problem) : showConsent(parts, request, reply, asked);
  });
  app.post<{ Querystring: Form; Body: Form }>('/identity/connect/authorize', (request, reply) => {
    const asked = readAuthorize(parts, request.query);
    if ('problem' in asked) return refuseAuthorize(reply, asked.problem);
    if (one(request.body.decision) !== 'allow') return redirect(reply, asked, { error: 'access_denied' });
    const tenants = many(request.body.tenant).filter((tenantId) => parts.organisations.get(tenantId));
    if (tenants.length === 0) return showConsent(parts, request, reply, asked, 'Choose at least one organisation.');
    const user = one(request.body.user) || DEFAULT_USER;
    const grant = parts.store.consent(asked.client.id, user, asked.scopes, tenants);
    return redirect(reply, asked, { code: parts.store.issueCode(grant, asked.redirectUri, asked.pkce) });
  });
}

interface Asked {
  client: Client;
  redirectUri: string;
  scopes: string[];
  state: string | undefined;
  pkce: Pick<Code, 'challenge' | 'challengeMethod' | 'nonce'>;
  /** An error that the app is told of by redirect. */
  error?: string;
}

/** Xero takes https, or http on localhost; 127.0.0.1 is refused. */
function mayRedirectTo(client: Client, uri: string): boolean {
  if (!/^https:\/\//.test(uri) && !/^http:\/\/localhost(:\d+)?(\/|$)/.test(uri)) return false;
  return client.redirectUris.some((allowed) =>
    allowed === 'http://localhost:*' ? uri.startsWith('http://localhost') : allowed === uri,
  );
}

function readAuthorize(parts: IdentityParts, query: Form): Asked | { problem: [string, string] } {
  const client = parts.store.client(one(query.client_id) ?? '');
  if (!client) return { problem: ['unauthorized_client', 'Unknown client or client not enabled'] };
  const redirectUri = one(query.redirect_uri) ?? '';
  if (!mayRedirectTo(client, redirectUri)) return { problem: ['unauthorized_client', 'Invalid redirect_uri'] };
  const { switches } = parts.settings.values;
  const scopes = (one(query.scope) ?? '').split(' ').filter(Boolean);
  const challenge = one(query.code_challenge);
  const invalidScope = scopes.length === 0 || unknownScopes(scopes, switches.broadScopes).length > 0;
  const wrongType = one(query.response_type) !== 'code';
  const pkceRefused = challenge !== undefined && !switches.pkceWithSecret;
  const error = wrongType
    ? 'unsupported_response_type'
    : invalidScope
      ? 'invalid_scope'
      : pkceRefused
        ? 'invalid_request'
        : '';
  return {
    client,
    redirectUri,
    scopes,
    state: one(query.state),
    pkce: { challenge, challengeMethod: one(query.code_challenge_method) ?? 'plain', nonce: one(query.nonce) },
    ...(error && { error }),
  };
}

function refuseAuthorize(reply: FastifyReply, [error, detail]: [string, string]): FastifyReply {
  return reply.code(400).type('text/html; charset=utf-8').send(errorPage(error, detail));
}

function showConsent(
  { organisations }: IdentityParts,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Asked,
  problem?: string,
): FastifyReply {
  if (asked.error) return redirect(reply, asked, { error: asked.error });
  const view = {
    action: request.url,
    clientId: asked.client.id,
    user: DEFAULT_USER,
    scopes: asked.scopes,
    organisations: organisations.all().map(({ tenantId, profile }) => ({ tenantId, name: profile.name })),
    ...(problem && { problem }),
  };
  return reply.type('text/html; charset=utf-8').send(consentPage(view));
}

function redirect(
  reply: FastifyReply,
  { redirectUri, state, scopes }: Asked,
  answer: { code?: string; error?: string },
): FastifyReply {
  const url = new URL(redirectUri);
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value);
  if (answer.code) url.searchParams.set('scope', scopes.join(' '));
  if (state !== undefined) url.searchParams.set('state', state);
  return reply.redirect(url.href, 302);
}

function tokenRoutes(app: FastifyInstance, parts: IdentityParts): void {
  const mint = new TokenMint(parts.store, parts.key);
  app.post<{ Body: Form }>('/connect/token', (request, reply) => {
    const client = basicClient(parts.store, request.headers.authorization);
    if (!client) return reply.code(400).send({ error: 'invalid_client' });
    const exchange = EXCHANGES[one(request.body.grant_type) ?? ''];
    const taken = exchange ? exchange(parts, client, request.body) : { error: 'unsupported_grant_type' };
    if ('error' in taken) return reply.code(400).send({ error: taken.error });
    return reply.header('cache-control', 'no-store').send(mint.mint(taken.grant, originOf(request), taken.nonce));
  });
  app.post<{ Body: Form }>('/connect/revocation', (request, reply) => {
    const client = basicClient(parts.store, request.headers.authorization);
    if (!client) return reply.code(400).send({ error: 'invalid_client' });
    const token = parts.store.refreshTokens.get(one(request.body.token) ?? '');
    const grant = token && parts.store.grants.get(token.grantId);
    if (grant && grant.clientId === client.id) parts.store.revokeUser(client.id, grant.user);
    return reply.code(200).send();
  });
}

type Exchange = (parts: IdentityParts, client: Client, form: Form) => { grant: Grant; nonce?: string } | Refused;

const EXCHANGES: Record<string, Exchange> = {
  authorization_code: ({ store }, client, form) => {
    const code = store.takeCode(one(form.code) ?? '');
    const grant = code && store.grants.get(code.grantId);
    if (!code || !grant || grant.revoked || grant.clientId !== client.id) return { error: 'invalid_grant' };
    if (code.redirectUri !== one(form.redirect_uri)) return { error: 'invalid_grant' };
    if (!verifies(code, one(form.code_verifier))) return { error: 'invalid_grant' };
    return { grant, ...(code.nonce && { nonce: code.nonce }) };
  },
  refresh_token: ({ store }, client, form) => {
    const token = store.refreshTokens.get(one(form.refresh_token) ?? '');
    const owner = token && store.grants.get(token.grantId);
    if (!token || owner?.clientId !== client.id) return { error: 'invalid_grant' };
    const grant = store.takeRefreshToken(token.token);
    return grant ? { grant } : { error: 'invalid_grant' };
  },
  client_credentials: ({ store, settings }, client, form) => {
    if (client.tenantId === undefined) return { error: 'unauthorized_client' };
    const scopes = (one(form.scope) ?? '').split(' ').filter((scope) => scope && scope !== 'offline_access');
    if (unknownScopes(scopes, settings.values.switches.broadScopes).length > 0) return { error: 'invalid_scope' };
    return { grant: store.consent(client.id, `custom connection ${client.id}`, scopes, [client.tenantId]) };
  },
};

/** PKCE is checked when a challenge was given. */
function verifies(code: Code, verifier: string | undefined): boolean {
  if (code.challenge === undefined) return true;
  if (verifier === undefined) return false;
  const hashed = code.challengeMethod === 'S256' ? createHash('sha256').update(verifier).digest('base64url') : verifier;
  return hashed === code.challenge;
}

function basicClient(store: IdentityStore, authorization: string | undefined): Client | undefined {
  const encoded = /^Basic (.+)$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(':').map(decodeURIComponent);
  const client = store.client(id);
  return client?.secret === secret ? client : undefined;
}

function connectionRoutes(app: FastifyInstance, { store, clock, organisations }: IdentityParts): void {
  app.get<{ Querystring: Form }>('/connections', (request) => {
    const grant = authenticate(store, clock, request.headers.authorization);
    const event = one(request.query.authEventId);
    return store
      .connectionsOf(grant.clientId, grant.user)
      .filter(({ authEventId }) => event === undefined || authEventId === event)
      .map(({ id, authEventId, tenantId, createdAt, updatedAt }) => ({
        id,
        authEventId,
        tenantId,
        tenantType: 'ORGANISATION',
        tenantName: organisations.get(tenantId)?.profile.name ?? null,
        createdDateUtc: sevenDecimals(createdAt),
        updatedDateUtc: sevenDecimals(updatedAt),
      }));
  });
  app.delete<{ Params: { id: string } }>('/connections/:id', (request, reply) => {
    const grant = authenticate(store, clock, request.headers.authorization);
    const connection = store.connections.get(request.params.id);
    const own = connection?.clientId === grant.clientId && connection.user === grant.user;
    if (!connection || !own) throw notFound();
    store.disconnect([connection.id]);
    return reply.code(204).send();
  });
}
