import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { settle, take } from '../../domain/budget.js';
import {
  type BudgetState,
  defaultBudgetOptions,
  newAppBudget,
  newOrganisationBudget,
} from '../../domain/budgetState.js';
import type { AnsweredLimits, CallBudget, CallContext, CallCount, TokenSet } from '../../domain/ports.js';
import { DEMO_CLIENT } from '../../simulator/index.js';
import { createXeroOAuth } from '../../xero/oauth.js';
import { scopesFor } from '../../xero/scopes.js';

/** The budget's rules over a state in memory, which notes what was settled. */
export class MemoryBudget implements CallBudget {
  private readonly states = new Map<string, BudgetState>();
  private readonly options = defaultBudgetOptions;
  readonly settled: { answered: AnsweredLimits | null; count: CallCount }[] = [];
  open = 0;

  async take(organisationId: string, priority: 'people' | 'background') {
    const asking = { organisationId, ticketId: randomUUID(), priority, now: Date.now(), jitter: Math.random() };
    const { take: answer, state } = take(this.options, this.stateOf(organisationId), asking);
    if (state !== null) this.states.set(organisationId, state);
    if (answer.granted) this.open++;
    return answer;
  }

  async settle(ticket: { id: string; organisationId: string }, answered: AnsweredLimits | null, count: CallCount) {
    const back = { ticketId: ticket.id, answered, now: Date.now(), jitter: Math.random() };
    this.states.set(ticket.organisationId, settle(this.options, this.stateOf(ticket.organisationId), back));
    this.settled.push({ answered, count });
    this.open--;
  }

  async look(): Promise<never> {
    throw new Error('not looked at here');
  }

  private stateOf(organisationId: string): BudgetState {
    const unknown = { organisation: newOrganisationBudget(this.options), app: newAppBudget(this.options) };
    return this.states.get(organisationId) ?? unknown;
  }
}

export const contextOf = (organisationId: string): CallContext => ({
  connectionId: randomUUID(),
  organisationId,
  grantId: 'grant',
  runId: 'run',
  priority: 'background',
});

export const redirectUri = 'http://localhost:3000/v1/oauth/xero/callback';

/** Our OAuth against a simulator. */
export function oauthAt(url: string, client = DEMO_CLIENT) {
  return createXeroOAuth({
    clientId: client.id,
    clientSecret: client.secret,
    redirectUri,
    issuerUrls: { issuer: url, authorize: `${url}/identity/connect/authorize`, token: `${url}/connect/token` },
    apiUrl: url,
    deadlineMs: 2000,
  });
}

/** What a person does in Xero's consent page: chooses organisations and allows, or denies. */
export async function giveConsent(
  consentUrl: string,
  tenantIds: readonly string[],
  decision: 'allow' | 'deny' = 'allow',
): Promise<Record<string, string>> {
  const form = new URLSearchParams({ decision });
  for (const tenantId of tenantIds) form.append('tenant', tenantId);
  const answer = await fetch(consentUrl, { method: 'POST', body: form, redirect: 'manual' });
  const location = answer.headers.get('location');
  if (location === null) throw new Error(`the consent page answered ${answer.status}`);
  return Object.fromEntries(new URL(location).searchParams);
}

export async function control<T>(url: string, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(`${url}/_sim${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export interface OddServer {
  url: string;
  requests: IncomingMessage[];
  close(): Promise<void>;
}

/** A server that answers as the test says: for what no proper Xero does. */
export async function oddServer(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<OddServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () => {
      server.closeAllConnections();
      return new Promise((closed) => server.close(() => closed()));
    },
  };
}

/** Until `holds`: for what another process of the test brings about. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(5);
}

/** Tokens of a consent to one organisation, as the simulator gives them. */
export async function consentedTokens(url: string, tenantId: string): Promise<TokenSet> {
  const oauth = oauthAt(url);
  const secret = { state: 's'.repeat(43), codeVerifier: 'v'.repeat(43) };
  const consentUrl = await oauth.consentUrl({ ...secret, scopes: scopesFor('import') });
  return (await oauth.exchange(await giveConsent(consentUrl, [tenantId]), secret)).tokens;
}

/** How often the simulator's token endpoint gave tokens: each time a refresh token is among them. */
export async function tokenCalls(url: string): Promise<number> {
  return (await control<{ refreshTokens: unknown[] }>(url, 'GET', '/tokens')).refreshTokens.length;
}
