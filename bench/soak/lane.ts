/** A simulator in a process of its own, renewed now and then: it keeps every organisation that was ever made. */
import { freePort } from '../../embedded/ports.js';
import { eventually } from '../../test/support/waiting.js';
import { ProcessPart } from '../chaos/parts.js';

export interface Lane {
  xeroUrl: string;
  stop(): Promise<void>;
}

export async function startLane(stateDir: string, name: string): Promise<Lane> {
  const port = await freePort();
  const xeroUrl = `http://localhost:${port}`;
  const simulator = new ProcessPart({
    name,
    script: 'simulator/main.ts',
    args: ['--port', String(port), '--records', '50'],
    env: process.env,
    folder: { path: stateDir, pids: `${stateDir}/pids` },
    onOwnEnd: () => {
      throw new Error('the simulator has ended');
    },
  });
  await simulator.start();
  const answers = () =>
    fetch(`${xeroUrl}/_sim/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  await eventually('the simulator answers', answers, (ok) => ok);
  return { xeroUrl, stop: () => simulator.kill() };
}
