import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** The most memory a process has had, in MB; where the system does not keep that, what it has now. */
export function peakRssMb(pid: number): number {
  const status = `/proc/${pid}/status`;
  const kilobytes = existsSync(status)
    ? /VmHWM:\s+(\d+)/.exec(readFileSync(status, 'utf8'))?.[1]
    : spawnSync('ps', ['-o', 'rss=', '-p', String(pid)])
        .stdout.toString()
        .trim();
  return Math.round(Number(kilobytes) / 1024);
}
