/** /openapi.json, made from the very schemas that validate, and /docs, which shows it from local files. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';

export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Nightledger',
        version: '0.1.0',
        description: "Keeps a platform's books and its customers' Xero organisations in step.",
      },
      servers: [{ url: '/' }],
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
      security: [{ key: [] }],
      tags: [
        { name: 'Companies', description: "The platform's customers." },
        { name: 'Connections', description: 'The link of a company to its Xero organisation.' },
        { name: 'Backfill', description: 'The first full read.' },
        { name: 'Runs', description: 'What was done, and what Xero still allows.' },
        { name: 'Records', description: 'The mirror of what is in Xero.' },
        { name: 'Health', description: 'For what watches the process.' },
      ],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    // Its validator badge would ask a server elsewhere.
    uiConfig: { validatorUrl: null, docExpansion: 'list', persistAuthorization: true },
    theme: { title: 'Nightledger API' },
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
}
