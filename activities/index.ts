import { type BookkeepingPorts, createBookkeepingActivities } from './bookkeeping.js';
import { type ChangesPorts, createChangesActivities } from './changes.js';
import { createDeletionActivities, type DeletionPorts } from './deletion.js';
import { createHousekeepingActivities, type HousekeepingPorts } from './housekeeping.js';
import { createMappingActivities, type MappingPorts } from './mappings.js';
import { createOutboxActivities } from './outbox.js';
import { createPaymentActivities, type PaymentPorts } from './payments.js';
import type { OutboxPorts } from './pushTurn.js';
import { createReadingActivities, type ReadingPorts } from './reading.js';
import { createReferenceActivities } from './references.js';
import { createReviewActivities, type ReviewPorts } from './review.js';
import { createSecondLookActivities, type SecondLookPorts } from './secondLook.js';
import { createWebhookActivities, type WebhookPorts } from './webhooks.js';

/** All activities of the reading queue, with what they need from the outside injected. */
export function createActivities(
  ports: ReadingPorts &
    ChangesPorts &
    BookkeepingPorts &
    DeletionPorts &
    MappingPorts &
    HousekeepingPorts &
    SecondLookPorts &
    WebhookPorts &
    ReviewPorts &
    PaymentPorts,
) {
  return {
    ...createReadingActivities(ports),
    ...createReferenceActivities(ports),
    ...createChangesActivities(ports),
    ...createBookkeepingActivities(ports),
    ...createDeletionActivities(ports),
    ...createMappingActivities(ports),
    ...createHousekeepingActivities(ports),
    ...createSecondLookActivities(ports),
    ...createWebhookActivities(ports),
    ...createReviewActivities(ports),
    ...createPaymentActivities(ports),
  };
}

/** Those of the queue of the outboxes. */
export function createPushActivities(ports: OutboxPorts) {
  return createOutboxActivities(ports);
}

export type OutboxActivities = ReturnType<typeof createPushActivities>;
export type ReadingActivities = ReturnType<typeof createReadingActivities> &
  ReturnType<typeof createReferenceActivities> &
  ReturnType<typeof createChangesActivities>;
export type BookkeepingActivities = ReturnType<typeof createBookkeepingActivities>;
export type DeletionActivities = ReturnType<typeof createDeletionActivities>;
export type MappingActivities = ReturnType<typeof createMappingActivities>;
export type HousekeepingActivities = ReturnType<typeof createHousekeepingActivities>;
export type SecondLookActivities = ReturnType<typeof createSecondLookActivities>;
export type ReviewActivities = ReturnType<typeof createReviewActivities>;
export type WebhookActivities = ReturnType<typeof createWebhookActivities>;
export type PaymentActivities = ReturnType<typeof createPaymentActivities>;
