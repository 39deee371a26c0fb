import { availableParallelism, cpus, totalmem } from 'node:os';

/** The machine that figures were taken on, in a line without its name. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() || 'unknown processor';
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return `${availableParallelism()} cores (${model}), ${memory} GB, ${process.platform}, Node ${process.versions.node}`;
}
