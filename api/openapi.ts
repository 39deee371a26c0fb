/** /openapi.json, made from the very schemas that validate, and /docs, which shows it from local files. */
import swagger, { type SwaggerTransformObject } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyContextConfig, FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { longestActor } from './actors.js';
import { longestIdempotencyKey } from './idempotency.js';

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
        { name: 'Documents', description: 'What the platform wants to stand in Xero.' },
        { name: 'Changes', description: 'The feed: what happened, in the order in which it was committed.' },
        { name: 'Keys', description: 'The keys to this API.' },
        { name: 'Audit', description: 'Who changed what.' },
        { name: 'Health', description: 'For what watches the process.' },
      ],
    },
    transform: (described) => withHeaders(jsonSchemaTransform(described), described.route),
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

const changing = /^(POST|PUT|PATCH|DELETE)$/;

/** The headers that a call takes, as its configuration says. They are checked by hooks, not by its schema. */
function withHeaders(described: Transformed, { method, config = {} }: DescribedRoute): Transformed {
  const actor = config.permission !== undefined && changing.test(String(method));
  const properties = {
    ...(actor && {
      'Nightledger-Actor': text(
        longestActor,
        "The platform's opaque id of the person on whose behalf the call is made.",
      ),
    }),
    ...(config.creates && {
      'Idempotency-Key': text(
        longestIdempotencyKey,
        'Sent again with the same key within a day, the call answers the same.',
      ),
    }),
  };
  if (Object.keys(properties).length === 0) return described;
  const required = config.actor === 'required' ? ['Nightledger-Actor'] : [];
  return { ...described, schema: { ...described.schema, headers: { type: 'object', properties, required } } };
}

type Transformed = ReturnType<typeof jsonSchemaTransform>;
interface DescribedRoute {
  method: string | string[];
  config?: FastifyContextConfig;
}

const text = (maxLength: number, description: string) => ({ type: 'string', minLength: 1, maxLength, description });

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
