import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { createPushActivities } from '../activities/index.js';
import type { OutboxPorts } from '../activities/pushTurn.js';
import { pushTaskQueue } from '../domain/names.js';

/** Outboxes that send at once; each mostly waits for Xero. */
const sendingAtOnce = 40;

/** Where a worker of the outboxes runs. */
export interface PushWorkerPlace extends Pick<WorkerOptions, 'workflowBundle' | 'identity'> {
  connection: NativeConnection;
  namespace: string;
}

/** A worker of its own for what is sent: what somebody saved never stands behind a long reading. */
export function createPushWorker(place: PushWorkerPlace, ports: OutboxPorts): Promise<Worker> {
  return Worker.create({
    ...place,
    taskQueue: pushTaskQueue,
    activities: createPushActivities(ports),
    maxConcurrentActivityTaskExecutions: sendingAtOnce,
    // An outbox moves again a second after its worker was killed, instead of ten.
    stickyQueueScheduleToStartTimeout: '1 second',
    shutdownGraceTime: '30 seconds',
    shutdownForceTime: '60 seconds',
  });
}
