/** The table of checks as docs/checks.md has it. */
import { documentCodes } from '../../domain/codes.js';
import { checks } from '../../domain/documents/checks.js';

export function checkRows(): string[] {
  return checks.map(({ code, level, state, sentence, kinds }) => {
    const becomes = state === null ? 'it goes' : `\`${state}\``;
    return `| \`${code}\` | ${level} | ${becomes} | ${kinds.join(', ')} | ${sentence} | ${documentCodes[code].remedy} |`;
  });
}
