/** OAuth 2 with Xero (xero-api.md §5): consent with PKCE and client secret, tokens, and the links that a consent gave. */
import { type Client, custom, errors, generators, type TokenSet as IssuedTokens, Issuer } from 'openid-client';
import type { ConsentedOrganisation, TokenSet, XeroOAuth } from '../domain/ports.js';
import { XeroFault, XeroRefusal } from '../domain/problems.js';
import { createHttp, type Http, type HttpAnswer } from './http.js';
import { outcomeOf } from './translate.js';

export interface IssuerUrls {
  issuer: string;
  authorize: string;
  token: string;
  jwks?: string;
  revocation?: string;
}

export interface XeroOAuthDeps {
  clientId: string;
  clientSecret: string;
  redirectUri: string;
  /** Xero's own by default. */
  issuerUrls?: IssuerUrls;
  apiUrl?: string;
  /** Milliseconds for one call. */
  deadlineMs?: number;
}

export const xeroIssuerUrls: IssuerUrls = {
  issuer: 'https://identity.xero.com',
  authorize: 'https://login.xero.com/identity/connect/authorize',
  token: 'https://identity.xero.com/connect/token',
  jwks: 'https://identity.xero.com/.well-known/openid-configuration/jwks',
  revocation: 'https://identity.xero.com/connect/revocation',
};

/**
 * On openid-client with an issuer made by hand: xero-node's client has Xero's hosts written into it, and rejects with
 * errors that hold the request's headers (xero-api.md §7).
 */
export function createXeroOAuth(deps: XeroOAuthDeps): XeroOAuth {
  const { redirectUri, apiUrl = 'https://api.xero.com', deadlineMs = 20_000 } = deps;
  const client = clientOf(deps, deadlineMs);
  const http = createHttp({ deadlineMs });
  const connectionsUrl = `${apiUrl.replace(/\/+$/, '')}/connections`;

  return {
    async consentUrl({ state, codeVerifier, scopes }) {
      return client.authorizationUrl({
        redirect_uri: redirectUri,
        scope: scopes.join(' '),
        state,
        code_challenge: generators.codeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      });
    },

    async exchange(callbackQuery, { state, codeVerifier }) {
      const checks = { state, code_verifier: codeVerifier, response_type: 'code' };
      const issued = await translated(() => client.oauthCallback(redirectUri, { ...callbackQuery }, checks));
      const tokens = tokensOf(issued);
      const claims = claimsOf(tokens.accessToken);
      return {
        tokens,
        scopes: scopesOf(issued.scope ?? claims.scope),
        organisations: await organisationsOf(http, connectionsUrl, tokens.accessToken, claims.authentication_event_id),
      };
    },

    async refresh(refreshToken) {
      return tokensOf(await translated(() => client.refresh(refreshToken)));
    },

    async endConnection(accessToken, xeroConnectionId) {
      const url = `${connectionsUrl}/${encodeURIComponent(xeroConnectionId)}`;
      const answer = await http({ method: 'DELETE', url, headers: bearer(accessToken) });
      // 404: it is ended already, e.g. by an earlier try whose answer was lost.
      if (answer.status !== 204 && answer.status !== 404) throw problemOf(answer);
    },
  };
}

function clientOf(
  { clientId, clientSecret, redirectUri, issuerUrls = xeroIssuerUrls }: XeroOAuthDeps,
  timeout: number,
) {
  const issuer = new Issuer({
    issuer: issuerUrls.issuer,
    authorization_endpoint: issuerUrls.authorize,
    token_endpoint: issuerUrls.token,
    ...(issuerUrls.jwks === undefined ? {} : { jwks_uri: issuerUrls.jwks }),
    ...(issuerUrls.revocation === undefined ? {} : { revocation_endpoint: issuerUrls.revocation }),
  });
  const client: Client = new issuer.Client({
    client_id: clientId,
    client_secret: clientSecret,
    redirect_uris: [redirectUri],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
  });
  client[custom.http_options] = (_url, options) => ({ ...options, timeout });
  return client;
}

/** Does `work`, and turns openid-client's errors, which quote the answer, into ours, which do not. */
async function translated(work: () => Promise<IssuedTokens>): Promise<IssuedTokens> {
  try {
    return await work();
  } catch (error) {
    throw ours(error);
  }
}

/** Errors of OAuth by which the consent is not given, or not good any more. */
const lost = ['invalid_grant', 'access_denied'];
/** Errors that the app's own settings cause, e.g. a wrong secret: no customer's consent may be thrown away for them. */
const ownFaults = [
  'invalid_client',
  'unauthorized_client',
  'invalid_request',
  'invalid_scope',
  'unsupported_grant_type',
];

function ours(error: unknown): XeroFault | XeroRefusal {
  const status = statusOf(error);
  if (error instanceof errors.OPError) return ofProvider(error.error, status);
  if (error instanceof errors.RPError) {
    // Otherwise a check of the callback failed, e.g. its state is another one.
    return /timed out/.test(error.message) ? new XeroFault('timeout') : new XeroRefusal('badRequest', status ?? 400);
  }
  return status === null ? new XeroFault('network') : new XeroFault('badAnswer', status);
}

function ofProvider(code: string | undefined, status: number | null): XeroFault | XeroRefusal {
  if (lost.includes(code ?? '')) return new XeroRefusal('authFailed', status ?? 400);
  if (ownFaults.includes(code ?? '')) return new XeroRefusal('badRequest', status ?? 400);
  return new XeroFault(status !== null && (status >= 500 || status === 429) ? 'unavailable' : 'badAnswer', status);
}

function statusOf(error: unknown): number | null {
  const { response } = error as { response?: { statusCode?: number } };
  return response?.statusCode ?? null;
}

function tokensOf(issued: IssuedTokens): TokenSet {
  const { access_token: accessToken, refresh_token: refreshToken, expires_at: expiresAt } = issued;
  // Without offline_access there is no refresh token, and the link would end within half an hour.
  if (accessToken === undefined || refreshToken === undefined || expiresAt === undefined)
    throw new XeroFault('badAnswer', 200);
  return { accessToken, refreshToken, expiresAt: new Date(expiresAt * 1000).toISOString() };
}

interface Claims {
  authentication_event_id?: unknown;
  scope?: unknown;
}

/** The payload of the access token, a JWT. Its signature is not checked: it came from the token endpoint itself. */
function claimsOf(accessToken: string): Claims {
  try {
    return JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString('utf8')) as Claims;
  } catch {
    throw new XeroFault('badAnswer', 200);
  }
}

/** Blank-separated in an answer, a list in Xero's tokens. */
function scopesOf(scope: unknown): string[] {
  if (Array.isArray(scope)) return scope.filter((one) => typeof one === 'string');
  return typeof scope === 'string' ? scope.split(' ').filter((one) => one !== '') : [];
}

interface XeroConnection {
  id: string;
  tenantId: string;
  tenantType: string;
  tenantName: string | null;
}

/** Only of this consent: a person may have given the same app many others before, for other customers. */
async function organisationsOf(
  http: Http,
  connectionsUrl: string,
  accessToken: string,
  eventId: unknown,
): Promise<ConsentedOrganisation[]> {
  if (typeof eventId !== 'string') throw new XeroFault('badAnswer', 200);
  const url = `${connectionsUrl}?authEventId=${encodeURIComponent(eventId)}`;
  const answer = await http({ method: 'GET', url, headers: bearer(accessToken) });
  if (answer.status !== 200 || answer.cut !== null) throw problemOf(answer);
  return connectionsOf(answer.text)
    .filter(({ tenantType }) => tenantType === 'ORGANISATION')
    .map(({ id, tenantId, tenantName }) => ({ xeroConnectionId: id, tenantId, name: tenantName ?? '' }));
}

function connectionsOf(text: string): XeroConnection[] {
  try {
    const connections: unknown = JSON.parse(text);
    if (Array.isArray(connections)) return connections as XeroConnection[];
  } catch {
    // Told below, without the parser's message, which quotes the text.
  }
  throw new XeroFault('badAnswer', 200);
}

function bearer(accessToken: string): Record<string, string> {
  return { authorization: `Bearer ${accessToken}`, accept: 'application/json' };
}

function problemOf(answer: HttpAnswer): Error {
  const outcome = outcomeOf(answer);
  if (outcome.kind === 'problem') return outcome.problem;
  return outcome.kind === 'staleToken' ? new XeroRefusal('authFailed', 401) : new XeroFault('badAnswer', answer.status);
}
