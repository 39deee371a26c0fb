import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Linux counts a process's time in hundredths of a second (USER_HZ). */
const ticksPerSecond = 100;

/** Seconds of processor time that a process and its children have used; null where the system does not tell in /proc. */
export function cpuSeconds(pid: number): number | null {
  if (!existsSync('/proc/self/stat')) return null;
  const family = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)))
    .filter((stat) => stat.pid === pid || stat.parent === pid);
  return family.reduce((sum, { ticks }) => sum + ticks, 0) / ticksPerSecond;
}

/** Empty when it has ended meanwhile. Children that have ended are in their parent's time. */
function statOf(pid: number): { pid: number; parent: number; ticks: number }[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before the last bracket may hold anything; after it: state, parent, …, user, system, and those of children.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
    return [{ pid, parent: Number(fields[1]), ticks }];
  } catch {
    return [];
  }
}
