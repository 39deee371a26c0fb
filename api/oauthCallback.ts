/** /v1/oauth/xero/callback: where Xero sends the customer's browser. No key: the state and PKCE guard it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { connectionCodes } from '../domain/codes.js';
import { type ConsentOutcome, completeConsent } from './connecting.js';
import type { ApiDeps } from './deps.js';
import { htmlOf, type Page } from './pages.js';
import { answerProblem, problemOf } from './problems.js';
import { problemContent } from './schemas/problem.js';

/** Xero may add to it, and all of it goes into the exchange. */
const callbackQuery = z
  .object({
    state: z.string().max(500).optional(),
    code: z.string().max(4000).optional(),
    error: z.string().max(500).optional(),
  })
  .catchall(z.string().max(4000));

const page = (description: string) => ({ description, content: { 'text/html': { schema: z.string() } } });

export function oauthCallbackRoutes(deps: ApiDeps): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/oauth/xero/callback',
      schema: {
        tags: ['Connections'],
        operationId: 'xeroCallback',
        summary: "Xero's redirect after the consent; for browsers",
        security: [],
        querystring: callbackQuery,
        response: {
          200: page('Connected, or an organisation is still to be chosen'),
          302: z.null().describe('Connected: back to `returnUrl`, with `connection` and `status`'),
          400: page('The consent is unknown, used or too old'),
          403: page('The consent was not given, or lacks permissions'),
          409: page('The organisation belongs elsewhere'),
          429: problemContent(429),
          503: page('A part of the service, or Xero, is away'),
        },
      },
      // A browser is told in a page what a program is told in a problem.
      errorHandler: (error, request, reply) => {
        const problem = problemOf(error);
        request.log[problem.statusCode >= 500 ? 'error' : 'info']({ err: error }, 'the callback failed');
        if (problem.statusCode === 429) return answerProblem(problem, request, reply);
        const [status, shown] = problem.statusCode < 500 ? ([400, invalidPage] as const) : ([503, awayPage] as const);
        return reply.code(status).type('text/html; charset=utf-8').send(htmlOf(shown));
      },
      handler: async (request, reply) => {
        reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');
        const outcome = await completeConsent(deps, request.query as Record<string, string>, request.log);
        const back = backTo(outcome);
        if (back !== null) return reply.redirect(back, 302);
        const { status, shown } = pageOf(outcome);
        return reply.code(status).type('text/html; charset=utf-8').send(htmlOf(shown));
      },
    });
  };
}

function backTo(outcome: ConsentOutcome): string | null {
  if ((outcome.kind !== 'connected' && outcome.kind !== 'choose') || outcome.returnUrl === null) return null;
  const url = new URL(outcome.returnUrl);
  url.searchParams.set('connection', outcome.connection.id);
  url.searchParams.set('status', outcome.kind === 'connected' ? 'connected' : 'choosingOrganisation');
  return url.href;
}

const invalidPage: Page = {
  title: 'This consent cannot be used',
  paragraphs: [
    'The link was used before, is older than ten minutes, or was not made here. Nothing was stored.',
    'Please start again from the application that sent you to Xero.',
  ],
};

const awayPage: Page = {
  title: 'That did not work this time',
  paragraphs: [
    'A part of the service did not answer. Please start again in a minute from the application that sent you to Xero.',
  ],
};

function pageOf(outcome: ConsentOutcome): { status: 200 | 400 | 403 | 409 | 503; shown: Page } {
  switch (outcome.kind) {
    case 'connected':
      return { status: 200, shown: connectedPage(outcome.organisation, outcome.started) };
    case 'choose':
      return { status: 200, shown: choosePage(outcome.organisations) };
    case 'refused':
      return { status: refusalStatus(outcome.code), shown: refusedPage(outcome) };
    case 'invalid':
      return { status: 400, shown: invalidPage };
    case 'xeroAway':
      return { status: 503, shown: { ...awayPage, title: 'Xero did not answer' } };
  }
}

function connectedPage(organisation: string, started: boolean): Page {
  const next = started
    ? 'Its first full read has begun. You can close this page.'
    : 'Its first full read will be started shortly. You can close this page.';
  return { title: `${organisation} is connected`, paragraphs: [next] };
}

function choosePage(organisations: readonly string[]): Page {
  return {
    title: 'Which organisation?',
    paragraphs: [
      `The consent covers several organisations: ${organisations.join(', ')}.`,
      'Please choose one of them in the application that sent you to Xero.',
    ],
  };
}

function refusedPage({ code, missingScopes }: ConsentOutcome & { kind: 'refused' }): Page {
  const { message, remedy } = connectionCodes[code];
  const missing = missingScopes.length > 0 ? [`Missing: ${missingScopes.join(', ')}.`] : [];
  return { title: 'Not connected', paragraphs: [message, ...missing, remedy, 'Nothing was stored.'] };
}

function refusalStatus(code: (ConsentOutcome & { kind: 'refused' })['code']): 403 | 409 {
  return code === 'consent_denied' || code === 'scopes_missing' ? 403 : 409;
}
