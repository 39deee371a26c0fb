/** /v1/connections/{id}/payment-imports: payments made in Xero, what became of each, and what a person decides. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { paymentCodes } from '../domain/codes.js';
import { type Connection, type PaymentImport, ResolutionRefused } from '../domain/ports.js';
import { connectionFor, organisationOf } from './access.js';
import { askedBy } from './askedBy.js';
import type { ApiDeps } from './deps.js';
import { forbiddenBy, invalid, notFound } from './problems.js';
import { answers, connectionParams } from './schemas/common.js';
import {
  callbackSecretAnswer,
  paymentImportParams,
  paymentImportSchema,
  paymentImportStarted,
  paymentImportsAnswer,
  paymentImportsQuery,
  resolveBody,
} from './schemas/paymentImport.js';
import { runUrl } from './temporalUi.js';

const tags = ['Payments in'];

type Deps = Pick<
  ApiDeps,
  'connections' | 'settings' | 'payments' | 'paymentRuns' | 'runs' | 'callbackSecrets' | 'newSecret' | 'temporalUi'
>;

export function paymentImportRoutes(deps: Deps): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/connections/:id/payment-imports',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'listPaymentImports',
        summary: 'Payments made in Xero that the platform does not know, those found last first',
        params: connectionParams,
        querystring: paymentImportsQuery,
        response: answers({ 200: paymentImportsAnswer }, 404),
      },
      handler: async (request) => {
        const { id } = await connectionFor(deps, request, request.params.id);
        const { data, nextCursor } = await deps.payments.list(id, request.query);
        return { data: data.map(shown), nextCursor, unreconciled: await deps.payments.unreconciled(id) };
      },
    });

    app.route({
      method: 'POST',
      url: '/connections/:id/payment-imports',
      config: { permission: 'work', actor: 'required' },
      schema: {
        tags,
        operationId: 'startPaymentImport',
        summary: 'Imports payments now, or joins the import in hand',
        params: connectionParams,
        response: answers({ 202: paymentImportStarted }, 404, 409),
      },
      handler: async (request, reply) => {
        const connection = await connectionFor(deps, request, request.params.id);
        await refuseUnready(deps, connection);
        const { id: connectionId, companyId } = connection;
        const wish = { connectionId, companyId, askedBy: askedBy(request) };
        const { alreadyRunning, askedBy: asked, ...run } = await deps.paymentRuns.start(wish);
        await deps.runs.start({ ...run, kind: 'paymentImport', connectionId }, asked);
        return reply.code(202).send({ ...run, alreadyRunning, url: runUrl(deps.temporalUi, run) });
      },
    });

    app.route({
      method: 'POST',
      url: '/connections/:id/payment-imports/:xeroPaymentId/resolve',
      config: { permission: 'work', actor: 'required' },
      schema: {
        tags,
        operationId: 'resolvePaymentImport',
        summary: 'A person decides about a payment that was not imported, for good; nothing is attempted',
        params: paymentImportParams,
        body: resolveBody,
        response: answers({ 200: paymentImportSchema }, 404, 409),
      },
      handler: async (request) => {
        const { id } = await connectionFor(deps, request, request.params.id);
        const { invoice, ...body } = request.body;
        const resolution = { ...body, ...(invoice !== undefined && { invoice }), actor: request.actor as string };
        const resolved = await deps.payments
          .resolve(id, request.params.xeroPaymentId, resolution)
          .catch((error: unknown) => {
            throw error instanceof ResolutionRefused ? problems[error.reason]() : error;
          });
        if (resolved === null) throw notFound();
        return shown(resolved);
      },
    });

    app.route({
      method: 'POST',
      url: '/connections/:id/callback-secret',
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'makeCallbackSecret',
        summary: 'A new secret for the calls to the callback; the old one signs nothing from here on',
        params: connectionParams,
        response: answers({ 201: callbackSecretAnswer }, 404),
      },
      handler: async (request, reply) => {
        const { id } = await connectionFor(deps, request, request.params.id);
        const secret = deps.newSecret();
        if (!(await deps.callbackSecrets.replace(id, secret))) throw notFound();
        return reply.code(201).send({ secret });
      },
    });
  };
}

const problems = {
  settled: () => forbiddenBy('payment_settled'),
  inHand: () => forbiddenBy('payment_in_hand'),
  invoiceMissing: () => invalid({ field: 'invoice', message: 'is needed: no invoice is known for this payment' }),
  invoiceUnknown: () => invalid({ field: 'invoice', message: 'names no invoice of this company' }),
} as const;

/** @throws Problem 409 */
async function refuseUnready(deps: Deps, connection: Connection): Promise<void> {
  organisationOf(connection);
  if (connection.status !== 'active') throw forbiddenBy('connection_not_ready');
  if (!(await deps.settings.get(connection.id))?.paymentsIn) throw forbiddenBy('payments_in_off');
}

function shown(payment: PaymentImport): z.infer<typeof paymentImportSchema> {
  const { message = null, remedy = null } = payment.code === null ? {} : paymentCodes[payment.code];
  return { ...payment, message, remedy };
}
