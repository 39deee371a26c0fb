/** /openapi.json, made from the very schemas that validate, and /docs, which shows it from local files. */
import swagger, { type SwaggerTransformObject } from '@fastify/swagger';
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
    transformObject: (document) => withoutUnused(jsonSchemaTransformObject(document)),
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    // Its validator badge would ask a server elsewhere.
    uiConfig: { validatorUrl: null, docExpansion: 'list', persistAuthorization: true },
    theme: { title: 'Nightledger API' },
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

type Described = ReturnType<SwaggerTransformObject>;

/** Each named schema is made for bodies and for answers; what no call uses, through other schemas neither, is left out. */
function withoutUnused(document: Described): Described {
  if (!('components' in document) || !document.components?.schemas) return document;
  const schemas = document.components.schemas;
  const used = new Set<string>();
  const visit = (part: unknown) => {
    for (const name of namesIn(part)) {
      if (used.has(name)) continue;
      used.add(name);
      visit(schemas[name]);
    }
  };
  visit(document.paths);
  const kept = Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)));
  return { ...document, components: { ...document.components, schemas: kept } } as Described;
}

function namesIn(part: unknown): string[] {
  return [...JSON.stringify(part ?? null).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? '');
}
