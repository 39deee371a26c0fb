import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const start = fileURLToPath(new URL('../../embedded/start.ts', import.meta.url));

function npmStart(args: string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stderr, stdout } = spawnSync(process.execPath, ['--import', 'tsx', start, ...args], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return { status, stderr: stderr.trim().split('\n'), stdout };
}

describe('npm start', () => {
  it.each([
    ['an option that does not exist', ['--bogus'], {}, /--bogus/],
    ['a size that is no number', ['--records', 'many'], {}, /--records takes a whole number from 1/],
    ['a state folder that cannot be', ['--once'], { NIGHTLEDGER_STATE_DIR: '/dev/null/state' }, /state folder/],
  ])('says in one sentence what is wrong with %s, and starts nothing', (_what, args, env, sentence) => {
    const { status, stderr } = npmStart(args, env);
    expect(status).toBe(1);
    expect(stderr).toHaveLength(1);
    expect(stderr[0]).toMatch(sentence);
  });

  it('names a variable that is not valid, and the remedy', () => {
    const { status, stderr } = npmStart([], { DATABASE_URL: 'nonsense' });
    expect(status).toBe(1);
    expect(stderr.at(-1)).toMatch(/DATABASE_URL: set postgres:/);
  });

  it('explains its options', () => {
    const { status, stdout } = npmStart(['--help']);
    expect(status).toBe(0);
    for (const option of ['--once', '--records', '--daily-limit', '--speed', '--fresh'])
      expect(stdout).toContain(option);
  });
});
