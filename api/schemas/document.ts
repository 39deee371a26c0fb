/** Documents: what the platform saves, and what became of it. */
import { z } from 'zod';
import { documentCodes, requestCodes } from '../../domain/codes.js';
import { documentSchemas } from '../../domain/documents/content.js';
import { type DocumentKind, documentKindNames } from '../../domain/documents/kinds.js';
import { documentStateNames, documentStates } from '../../domain/documents/states.js';
import { companyId, instant, line, locationId, pageQuery, secondsToWait } from './common.js';

/** Documents of one bulk save. */
const mostAtOnce = 500;
const longestWaitSeconds = 30;

const kind = z.enum(documentKindNames);
const externalId = line(200).describe("The platform's own id of the document.");

export const sourceVersion = z
  .int()
  .nonnegative()
  .describe("The platform's own count of changes: a save with an older one than stored is refused.");

export const documentsParams = z.object({ company: companyId });
export const documentParams = documentsParams.extend({ kind, externalId });

export const waitQuery = z.object({
  wait: secondsToWait(longestWaitSeconds).describe(
    "How long to wait for Xero's answer, `0s` to `30s`; then the document is shown as it stands.",
  ),
});

/** A body is held against the schema of its kind by the route, which knows the kind; this is for the reader. */
const savedContents = documentKindNames.map((name: DocumentKind) => {
  const { $schema: _, properties, ...content } = z.toJSONSchema(documentSchemas[name], { io: 'input' });
  return { title: name, ...content, properties: { ...properties, sourceVersion: { type: 'integer', minimum: 0 } } };
});
const savedContent = z.record(z.string(), z.unknown());

export const documentBody = savedContent.meta({
  id: 'DocumentContent',
  description: 'What a document of its kind holds, and its `sourceVersion`.',
  oneOf: savedContents,
});

export const documentsBody = z.object({
  documents: z
    .array(savedContent)
    .min(1)
    .max(mostAtOnce)
    .describe('Each `{kind, externalId, sourceVersion?, …}` with the content of a single save.'),
});

/** An element of a bulk save before its kind is known. */
export const documentName = z.object({ kind, externalId });

export const documentsQuery = pageQuery.extend({
  kind: kind.optional(),
  state: z.enum(documentStateNames).optional(),
  location: locationId.optional(),
});

export const decideBody = z.discriminatedUnion('action', [
  z.object({ action: z.literal('send').describe('It is not the same: send it all the same.') }),
  z.object({
    action: z.literal('link').describe('It is the same: link it.'),
    xeroId: z.guid().toLowerCase().describe('What it is in Xero.'),
  }),
]);

const states = Object.entries(documentStates).map(([state, sentence]) => `- \`${state}\`: ${sentence}`);
/** The codes are listed for the reader of the document; a later one must not break an answer. */
const code = z.string().meta({ enum: Object.keys(documentCodes) });
const errors = z.array(
  z.object({
    code,
    field: z.string().nullable().describe('Dotted path in the content.'),
    message: z.string().describe("Xero's own words where Xero said it."),
  }),
);

export const documentSchema = z
  .object({
    kind,
    externalId: z.string(),
    location: z.string().nullable(),
    version: z.int().describe('Counts the contents that were saved; a deletion is one too.'),
    sourceVersion: z.int().nullable(),
    state: z.enum(documentStateNames).describe(states.join('\n')),
    code: code.nullable(),
    reason: z.string().nullable().describe('What the code says, and what to do about it.'),
    errors,
    synced: z.boolean().describe('The current version stands in Xero.'),
    deleted: z.boolean(),
    connection: z.string().nullable().describe('The connection that covers it.'),
    xeroId: z.string().nullable(),
    xeroNumber: z.string().nullable(),
    xeroUrl: z.string().nullable().describe('Its page in Xero, for who is logged in to that organisation.'),
    lastPushedAt: instant.nullable(),
    updatedAt: instant,
  })
  .meta({ id: 'Document', description: "Something of the platform's, and where it stands in Xero." });

export const documentWithContent = documentSchema.extend({
  content: z.record(z.string(), z.unknown()).describe('As it was saved, defaults included.'),
});

const requestCode = z.string().meta({ enum: Object.keys(requestCodes) });
const savedElement = z.object({ status: z.literal([200, 201]), document: documentSchema });
const refusedElement = z.object({
  status: z.literal([409, 422]),
  code: requestCode,
  message: z.string(),
  remedy: z.string(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })),
});
export const documentsAnswer = z.object({
  data: z.array(z.union([savedElement, refusedElement])).describe('One for each document, in the order given.'),
});

export const attemptSchema = z
  .object({
    id: z.string(),
    version: z.int(),
    step: z.string().describe('The document itself, an allocation of it, the bill of an order.'),
    attempt: z.int(),
    at: instant,
    endedAt: instant.nullable(),
    outcome: z.string().nullable().describe('Null while it is not known.'),
    code: code.nullable(),
    errors,
    sent: z.unknown().describe('What was sent to Xero.'),
    xeroId: z.string().nullable(),
    runId: z.string().nullable(),
    actor: z.string().nullable().describe('The person on whose behalf.'),
  })
  .meta({ id: 'PushAttempt', description: 'What was tried for a document.' });
