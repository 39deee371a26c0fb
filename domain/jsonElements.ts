/**
 * Splits the array `field` of a JSON object into the texts of its elements, without changing a character of them:
 * a parser would cut long decimals, and Postgres's own functions refuse a text that holds a NUL character.
 * @throws SyntaxError when the text ends early or has no such array.
 */
export function jsonElements(text: string, field: string): string[] {
  const elements: string[] = [];
  let at = startOfArray(text, field);
  while (text[at] !== ']') {
    const end = endOfValue(text, at);
    elements.push(text.slice(at, end).trim());
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return elements;
}

function startOfArray(text: string, field: string): number {
  let at = skipSpace(text, expected(text, skipSpace(text, 0), '{'));
  while (text[at] !== '}') {
    const nameEnd = endOfValue(text, at);
    const name = text.slice(at, nameEnd);
    at = skipSpace(text, expected(text, skipSpace(text, nameEnd), ':'));
    if (name === `"${field}"` && text[at] === '[') return skipSpace(text, at + 1);
    at = skipSpace(text, endOfValue(text, at));
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  throw new SyntaxError(`the answer has no array ${field}`);
}

function endOfValue(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '"') at = endOfString(text, at);
    else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    if (depth < 0 || (depth === 0 && ',:'.includes(character) && at > from)) return at;
    if (depth === 0 && '"}]'.includes(character)) return at + 1;
  }
  throw new SyntaxError('the answer ends early');
}

function endOfString(text: string, quote: number): number {
  for (let at = quote + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at;
  }
  throw new SyntaxError('the answer ends early');
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (' \n\r\t'.includes(text[at] ?? '.')) at++;
  if (at >= text.length) throw new SyntaxError('the answer ends early');
  return at;
}

function expected(text: string, at: number, character: string): number {
  if (text[at] !== character) throw new SyntaxError(`"${character}" is missing in the answer`);
  return at + 1;
}
