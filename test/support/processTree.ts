import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { birthTimeOf, type ProcessIdentity } from '../../embedded/processIdentity.js';

/** Every process that a process has started, those that they started included, and itself first. */
export function processTree(pid: number): ProcessIdentity[] {
  const parents = existsSync('/proc/self/stat') ? parentsOfLinux() : parentsOfPs();
  const tree = [pid];
  // Grows while it is gone through.
  for (const parent of tree) tree.push(...parents.filter(([, of]) => of === parent).map(([child]) => child));
  return tree.flatMap((one) => {
    const birthTime = birthTimeOf(one);
    return birthTime === undefined ? [] : [{ pid: one, birthTime }];
  });
}

type ChildAndParent = [child: number, parent: number];

function parentsOfLinux(): ChildAndParent[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): ChildAndParent[] => {
      try {
        // The command's name stands in parentheses and may hold anything.
        const rest = readFileSync(`/proc/${name}/stat`, 'utf8').replace(/^.*\) /s, '');
        return [[Number(name), Number(rest.split(' ')[1])]];
      } catch {
        return [];
      }
    });
}

function parentsOfPs(): ChildAndParent[] {
  const listed = spawnSync('ps', ['-A', '-o', 'pid=,ppid=']).stdout.toString();
  return listed.split('\n').map((line) => line.trim().split(/\s+/).map(Number) as ChildAndParent);
}
