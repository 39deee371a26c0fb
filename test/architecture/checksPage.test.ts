import { expect, test } from 'vitest';
import { checkRows } from './checkRows.js';
import { textOf } from './sources.js';

test('the page on reviews has every check with its sentence, its remedy and what becomes of a document', () => {
  const page = textOf('docs/review.md');
  expect(checkRows().filter((row) => !page.includes(row))).toEqual([]);
  expect(page.split('\n').filter((line) => line.startsWith('| `'))).toHaveLength(checkRows().length);
});
