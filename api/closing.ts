import type { FastifyInstance } from 'fastify';

/**
 * While the app is being closed, every answer ends its connection, and when the last request in hand is answered all
 * others are ended too: Node's own closing leaves out those that fall idle later, and those that never asked anything.
 */
export function endConnectionsOnClose(app: FastifyInstance): void {
  let closing = false;
  let inHand = 0;
  const endIdle = () => {
    if (closing && inHand === 0) app.server.closeAllConnections();
  };
  app.server.on('request', (_request, response) => {
    inHand += 1;
    response.once('close', () => {
      inHand -= 1;
      endIdle();
    });
  });
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
  app.addHook('preClose', async () => {
    closing = true;
    endIdle();
  });
}
