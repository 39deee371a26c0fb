/** The HTTP API: thin, one plugin a resource, every port injected. */
import Fastify, { type FastifyInstance } from 'fastify';
import { type FastifyPluginAsyncZod, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { apiKeyRoutes } from './apiKeys.js';
import { auditRoutes } from './audit.js';
import { backfillRoutes } from './backfill.js';
import { behindKey } from './behindKey.js';
import { changeRoutes } from './changes.js';
import { endConnectionsOnClose } from './closing.js';
import { companyRoutes } from './companies.js';
import { connectionRoutes } from './connections.js';
import type { ApiDeps } from './deps.js';
import { documentRoutes } from './documents.js';
import { exportRoutes } from './exports.js';
import { guard, limitRate } from './guards.js';
import { healthRoutes } from './health.js';
import { parseJsonBodies } from './jsonBodies.js';
import { lifecycleRoutes } from './lifecycle.js';
import { locationRoutes } from './locations.js';
import { loggerOptions } from './logging.js';
import { oauthCallbackRoutes } from './oauthCallback.js';
import { describeApi } from './openapi.js';
import { organisationRoutes } from './organisations.js';
import { paymentImportRoutes } from './paymentImports.js';
import { previewRoutes } from './previews.js';
import { answerError, answerProblem, notFound } from './problems.js';
import { reconciliationRoutes } from './reconciliation.js';
import { recordRoutes } from './records.js';
import { answerWithRequestId, requestIdFrom } from './requestIds.js';
import { runRoutes } from './runs.js';
import { settingsRoutes } from './settings.js';
import { syncRoutes } from './sync.js';
import { webhookRoutes } from './webhooks.js';
import { writesRoutes } from './writes.js';

export type { ApiDeps, LogTarget, Readiness, TemporalUi } from './deps.js';

/** Bytes of a body; a route that takes more states its own limit. */
const bodyLimit = 1_048_576;
/** Characters of one part of a path as it is sent: a company's id of 200, percent-encoded. */
const longestPathPart = 2000;

/** The app, ready to listen or to be injected into; closing it is the caller's. */
export async function buildApi(deps: ApiDeps): Promise<FastifyInstance> {
  const app = await bareApi(deps);
  await app.register(healthRoutes(deps));
  await app.register(open(deps), { prefix: '/v1' });
  // Beyond the rate limit: Xero sends for all organisations from a few addresses, and takes a refusal as a failure.
  await app.register(webhookRoutes(deps), { prefix: '/v1' });
  await app.register(keyed(deps), { prefix: '/v1' });
  await app.ready();
  return app;
}

/** The app without routes. */
export async function bareApi(deps: ApiDeps): Promise<FastifyInstance> {
  const app = Fastify({
    logger: loggerOptions(deps.log),
    requestIdHeader: false,
    genReqId: requestIdFrom(deps.newId),
    frameworkErrors: answerError,
    bodyLimit,
    routerOptions: { maxParamLength: longestPathPart },
    // While it is being closed, what still comes over a connection that is in use is answered, and the connection ended.
    return503OnClosing: false,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) => answerProblem(notFound(), request, reply));
  app.decorateRequest('problemCode', null);
  parseJsonBodies(app);
  answerWithRequestId(app);
  endConnectionsOnClose(app);
  deps.metrics.observe(app);
  await guard(app);
  await describeApi(app);
  return app;
}

/** What needs no key. */
function open(deps: ApiDeps): FastifyPluginAsyncZod {
  return async (app) => {
    await limitRate(app, deps.requestsPerMinute);
    await app.register(oauthCallbackRoutes(deps));
  };
}

function keyed(deps: ApiDeps): FastifyPluginAsyncZod {
  return async (app) => {
    await behindKey(app, deps);
    await app.register(companyRoutes(deps));
    await app.register(locationRoutes(deps));
    await app.register(connectionRoutes(deps));
    await app.register(lifecycleRoutes(deps));
    await app.register(organisationRoutes(deps));
    await app.register(backfillRoutes(deps));
    await app.register(syncRoutes(deps));
    await app.register(previewRoutes(deps));
    await app.register(exportRoutes(deps));
    await app.register(paymentImportRoutes(deps));
    await app.register(runRoutes(deps));
    await app.register(recordRoutes(deps));
    await app.register(reconciliationRoutes(deps));
    await app.register(changeRoutes(deps));
    await app.register(settingsRoutes(deps));
    await app.register(documentRoutes(deps));
    await app.register(writesRoutes(deps));
    await app.register(apiKeyRoutes(deps));
    await app.register(auditRoutes(deps));
  };
}
