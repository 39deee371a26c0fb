import { Decimal, type Value, XeroDate } from '../core/values.js';
import { QueryParseError } from './errors.js';

/** Reads a field of the row that is being judged. */
export type FieldReader = (path: string) => Value;
type Expression = (read: FieldReader) => Value;

/** A parsed `where`: the fields it names, and whether a row passes. */
export interface Where {
  paths: string[];
  accepts(read: FieldReader): boolean;
}

interface Token {
  kind: 'name' | 'text' | 'number' | 'sign' | 'end';
  text: string;
}

const TOKEN =
  /\s*(?:([A-Za-z_]\w*)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(-?\d+(?:\.\d+)?)|(==|!=|<>|<=|>=|&&|\|\||[<>=().,!]))/y;

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new QueryParseError(`Syntax error at position ${at}`);
    found.push(tokenOf(match));
  }
  return [...found, { kind: 'end', text: '' }];
}

function tokenOf([, name, double, single, number, sign]: RegExpExecArray): Token {
  if (name !== undefined) return { kind: 'name', text: name };
  if (number !== undefined) return { kind: 'number', text: number };
  if (sign !== undefined) return { kind: 'sign', text: sign };
  return { kind: 'text', text: (double ?? single ?? '').replace(/\\(.)/g, '$1') };
}

const COMPARISONS: Record<string, (difference: number) => boolean> = {
  '==': (difference) => difference === 0,
  '=': (difference) => difference === 0,
  '!=': (difference) => difference !== 0,
  '<>': (difference) => difference !== 0,
  '<': (difference) => difference < 0,
  '>': (difference) => difference > 0,
  '<=': (difference) => difference <= 0,
  '>=': (difference) => difference >= 0,
};

const TEXT_METHODS: Record<string, (subject: string, argument: string) => Value> = {
  contains: (subject, argument) => subject.includes(argument),
  startswith: (subject, argument) => subject.startsWith(argument),
  endswith: (subject, argument) => subject.endsWith(argument),
  tolower: (subject) => subject,
  toupper: (subject) => subject,
};

const CONSTANTS: Record<string, Value> = { true: true, false: false, null: null };

/** Parses the filter language of xero-api.md §2; anything else is refused as Xero refuses it. */
export function parseWhere(text: string): Where {
  return new Parser(tokens(text)).parse();
}

class Parser {
  private place = 0;
  private readonly paths = new Set<string>();

  constructor(private readonly list: Token[]) {}

  parse(): Where {
    const condition = this.either();
    if (this.peek().kind !== 'end') throw this.unexpected();
    return { paths: [...this.paths], accepts: (read) => condition(read) === true };
  }

  private either(): Expression {
    let left = this.both();
    while (this.takeAny('||', 'or')) left = any(left, this.both());
    return left;
  }

  private both(): Expression {
    let left = this.comparison();
    while (this.takeAny('&&', 'and')) left = all(left, this.comparison());
    return left;
  }

  private comparison(): Expression {
    if (this.takeAny('!')) return negate(this.comparison());
    const left = this.operand();
    const test = COMPARISONS[this.peek().text];
    if (this.peek().kind !== 'sign' || !test) return left;
    this.next();
    const right = this.operand();
    return (read) => test(compareValues(left(read), right(read)));
  }

  private operand(): Expression {
    const token = this.next();
    if (token.text === '(' && token.kind === 'sign') {
      const inner = this.either();
      this.expect(')');
      return inner;
    }
    if (token.kind === 'text') return constant(token.text);
    if (token.kind === 'number') return constant(Number(token.text));
    if (token.kind !== 'name') throw this.unexpected(token);
    return this.named(token.text);
  }

  private named(name: string): Expression {
    const lower = name.toLowerCase();
    if (lower in CONSTANTS) return constant(CONSTANTS[lower]);
    if (lower === 'guid') return constant(String(this.constants()[0] ?? '').toLowerCase());
    if (lower === 'datetime') return this.dateTime();
    return this.path(name);
  }

  private dateTime(): Expression {
    if (this.takeAny('.')) {
      this.expectName('parse');
      return constant(instant(Date.parse(`${String(this.constants()[0])}Z`.replace(/ZZ$/, 'Z')), this));
    }
    const [year, month, day, ...time] = this.constants().map(Number);
    if (year === undefined || month === undefined || day === undefined) throw this.unexpected();
    return constant(instant(Date.UTC(year, month - 1, day, time[0] ?? 0, time[1] ?? 0, time[2] ?? 0), this));
  }

  private path(head: string): Expression {
    const parts = [head];
    while (this.takeAny('.')) {
      const part = this.next();
      if (part.kind !== 'name') throw this.unexpected(part);
      if (this.peek().text === '(') return this.methods(this.field(parts), part.text);
      parts.push(part.text);
    }
    return this.field(parts);
  }

  private methods(subject: Expression, name: string): Expression {
    const method = TEXT_METHODS[name.toLowerCase()];
    if (!method) throw new QueryParseError(`No applicable method '${name}' exists in type 'String'`);
    const argument = String(this.constants()[0] ?? '').toLowerCase();
    const applied: Expression = (read) => {
      const value = subject(read);
      return value === null || value === undefined ? false : method(String(value).toLowerCase(), argument);
    };
    if (!this.takeAny('.')) return applied;
    return this.methods(applied, this.next().text);
  }

  private field(parts: string[]): Expression {
    const path = parts.join('.');
    this.paths.add(path);
    return (read) => read(path);
  }

  /** A parenthesised list of literals. */
  private constants(): Value[] {
    this.expect('(');
    const values: Value[] = [];
    while (!this.takeAny(')')) {
      const token = this.next();
      if (token.kind !== 'text' && token.kind !== 'number') throw this.unexpected(token);
      values.push(token.text);
      if (this.peek().text !== ')') this.expect(',');
    }
    return values;
  }

  unexpected(token = this.peek()): QueryParseError {
    return new QueryParseError(token.kind === 'end' ? 'Expression expected' : `Syntax error near '${token.text}'`);
  }

  private peek(): Token {
    return this.list[this.place] ?? { kind: 'end', text: '' };
  }

  private next(): Token {
    const token = this.peek();
    this.place++;
    return token;
  }

  private takeAny(...texts: string[]): boolean {
    const token = this.peek();
    if (token.kind === 'text' || !texts.includes(token.text.toLowerCase())) return false;
    this.place++;
    return true;
  }

  private expect(sign: string): void {
    if (!this.takeAny(sign)) throw this.unexpected();
  }

  private expectName(name: string): void {
    if (!this.takeAny(name)) throw this.unexpected();
  }
}

const constant =
  (value: Value): Expression =>
  () =>
    value;
const any =
  (left: Expression, right: Expression): Expression =>
  (read) =>
    left(read) === true || right(read) === true;
const all =
  (left: Expression, right: Expression): Expression =>
  (read) =>
    left(read) === true && right(read) === true;
const negate =
  (inner: Expression): Expression =>
  (read) =>
    inner(read) !== true;

function instant(ms: number, parser: Parser): XeroDate {
  if (Number.isNaN(ms)) throw parser.unexpected();
  return new XeroDate(ms);
}

/** Compares as Xero does: text without case, an absent value equal to null only (NaN fails every test but `!=`). */
function compareValues(left: Value, right: Value): number {
  const a = comparable(left);
  const b = comparable(right);
  if (a === null || b === null) return a === b ? 0 : Number.NaN;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [x, y] = [String(a), String(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function comparable(value: Value): string | number | null {
  if (value === null || value === undefined) return null;
  if (value instanceof XeroDate) return value.ms;
  if (value instanceof Decimal) return value.toNumber();
  if (typeof value === 'number') return value;
  return String(value).toLowerCase();
}
