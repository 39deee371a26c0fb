import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';

/** Where Temporal is: `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`, `TEMPORAL_TLS…` or its profile file. */
export function temporalConfig() {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  return { connectionOptions, namespace: namespace ?? 'default' };
}

/** For the API: connects at the first use, so that the API comes up and says 503 while Temporal is away. */
export function clientConnection(): Connection {
  return Connection.lazy(temporalConfig().connectionOptions);
}

/** For a worker. @throws when Temporal does not answer. */
export function workerConnection(): Promise<NativeConnection> {
  return NativeConnection.connect(temporalConfig().connectionOptions);
}
