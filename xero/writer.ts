/**
 * Writing to Xero: one call through the budget, and what became of each of its elements.
 * The calls go over our own HTTP and not through xero-node, whose models drop the fields they do not know and cut long
 * decimals (xero-api.md §7): what Xero answers is stored in the mirror as it came.
 */

import { jsonElements } from '../domain/jsonElements.js';
import type { WriteAnswer, WriteOutcome, XeroWrite, XeroWriter } from '../domain/ports.js';
import { MustWait, XeroFault, XeroRefusal } from '../domain/problems.js';
import { streams } from '../domain/streams.js';
import { type CallerDeps, createCaller } from './caller.js';
import { createHttp, type HttpAnswer, type HttpSettings } from './http.js';
import { codeOfRefusal } from './refusals.js';
import { outcomeOf } from './translate.js';

export interface XeroWriterDeps extends Omit<CallerDeps, 'http'> {
  http?: HttpSettings;
}

/**
 * Xero answers a refused element as one of many only when it is asked to, and keeps four decimals of a unit price likewise
 * (xero-api.md §3, §4).
 */
const query = 'summarizeErrors=false&unitdp=4';

export function createXeroWriter(deps: XeroWriterDeps): XeroWriter {
  const call = createCaller({ ...deps, http: createHttp(deps.http) });
  return {
    async write(context, write) {
      const { method, path, stream, idempotencyKey } = write;
      const body = bodyOf(write);
      const headers = { 'idempotency-key': idempotencyKey, ...(body && { 'content-type': 'application/json' }) };
      const request = { method, path: `${path}?${query}`, headers, body, stream };
      try {
        return answerOf(await call(context, request), write);
      } catch (error) {
        return withoutAnswer(error);
      }
    },
  };
}

/** @throws what says nothing of the call. */
function withoutAnswer(error: unknown): WriteAnswer {
  if (error instanceof MustWait || error instanceof XeroRefusal) return { kind: 'notCarriedOut', problem: error };
  if (!(error instanceof XeroFault)) throw error;
  return error.kind === 'unreached' ? { kind: 'notCarriedOut', problem: error } : { kind: 'unknown', problem: error };
}

interface Place {
  /** The name of the array that holds the elements. */
  collection: string;
  /** The path names one record, whose body stands alone. */
  single: boolean;
}

/** `Payments/{id}` names a record, `CreditNotes/{id}/Allocations` a collection. */
function placeOf(path: string): Place {
  const segments = path.split('/');
  const single = segments.length % 2 === 0;
  return { collection: segments.at(single ? -2 : -1) as string, single };
}

function bodyOf({ method, path, elements }: XeroWrite): string | undefined {
  if (method === 'DELETE') return undefined;
  const { collection, single } = placeOf(path);
  return withNumbers(JSON.stringify(single ? elements[0] : { [collection]: elements }));
}

/** A name and its value in JSON text: inside a text of somebody's the quotes before and behind the name are escaped. */
const decimals = /"(Quantity|UnitAmount|DiscountRate|CurrencyRate|Amount|UnitPrice)":"(-?(?:0|[1-9]\d*)(?:\.\d+)?)"/g;

/** Decimals as JSON numbers with the very digits that they have here: not every server reads them from texts. */
const withNumbers = (json: string): string => json.replace(decimals, '"$1":$2');

function answerOf(answer: HttpAnswer, write: XeroWrite): WriteAnswer {
  const { status } = answer;
  if (answer.cut === null && status === 400)
    return { kind: 'answered', status, outcomes: refusedOutcomes(answer, write) };
  if (answer.cut === null && isDone(answer, write)) {
    return {
      kind: 'answered',
      status,
      outcomes: [{ kind: 'sent', xeroId: null, number: null, text: null, warnings: [] }],
    };
  }
  const outcome = outcomeOf(answer);
  if (outcome.kind === 'body') return bodyAnswer(outcome.text, write, status);
  const problem = outcome.kind === 'problem' ? outcome.problem : new XeroFault('badAnswer', status);
  return problem instanceof XeroFault ? { kind: 'unknown', problem } : { kind: 'notCarriedOut', problem };
}

/** A DELETE is answered without a word, or with one that says nothing of a record. */
function isDone({ status }: HttpAnswer, { method }: XeroWrite): boolean {
  return method === 'DELETE' && status >= 200 && status < 300;
}

function bodyAnswer(text: string, { path, elements }: XeroWrite, status: number): WriteAnswer {
  const { collection } = placeOf(path);
  const outcomes = elementsOf(text, collection)?.map((element) => outcomeOfElement(element, collection));
  return outcomes?.length === elements.length
    ? { kind: 'answered', status, outcomes }
    : { kind: 'unknown', problem: new XeroFault('badAnswer', status) };
}

/** Null when the text is cut short or something else. */
function elementsOf(text: string, collection: string): string[] | null {
  try {
    return jsonElements(text, collection);
  } catch {
    return null;
  }
}

/** What Xero says of an element beside the record itself. */
interface Verdict {
  StatusAttributeString?: string;
  HasErrors?: boolean;
  HasValidationErrors?: boolean;
  Warnings?: { Message?: string }[];
}

/** The fields that name what an answer's array holds. */
function fieldsOf(collection: string): { id: string; number: string | null } {
  const stream = Object.values(streams).find((each) => each.collection === collection);
  return stream === undefined
    ? { id: collection.replace(/s$/, 'ID'), number: null }
    : { id: stream.idField, number: stream.numberedBy };
}

/** What a refused new element carries in place of an id. */
const zeroId = '00000000-0000-0000-0000-000000000000';

function outcomeOfElement(text: string, collection: string): WriteOutcome {
  const element = parsed(text);
  if (element === null) return { kind: 'unknown' };
  const { id, number } = fieldsOf(collection);
  const xeroId = stringOf(element, id);
  const words = errorWords(element);
  if (isRefused(element, words) || xeroId === zeroId) return { kind: 'refused', code: codeOfRefusal(words), words };
  return {
    kind: 'sent',
    xeroId,
    number: stringOf(element, number),
    text,
    warnings: messagesOf((element as Verdict).Warnings),
  };
}

function isRefused(element: object, words: readonly string[]): boolean {
  const { StatusAttributeString, HasErrors, HasValidationErrors } = element as Verdict;
  return StatusAttributeString === 'ERROR' || HasErrors === true || HasValidationErrors === true || words.length > 0;
}

/**
 * A 400 for the whole call. Where it names elements, those with errors were refused; whether the others were saved is not
 * known (xero-api.md §3). Where it names none, nothing of it was carried out.
 */
function refusedOutcomes({ text }: HttpAnswer, { elements, method }: XeroWrite): WriteOutcome[] {
  const named = elementsOf(text, 'Elements')?.map(parsed);
  const count = method === 'DELETE' ? 1 : elements.length;
  if (named?.length !== count || named.every((each) => each === null || !isRefused(each, errorWords(each)))) {
    const words = wordsOfWhole(text);
    return Array<WriteOutcome>(count).fill({ kind: 'refused', code: wholeCode(words), words });
  }
  return named.map((element) => {
    const words = element === null ? [] : errorWords(element);
    return element !== null && isRefused(element, words)
      ? { kind: 'refused', code: codeOfRefusal(words), words }
      : { kind: 'unknown' };
  });
}

/** A message, a title's detail, or a line of plain text. */
function wordsOfWhole(text: string): string[] {
  const { Message, Detail } = (parsed(text) ?? { Message: text }) as { Message?: string; Detail?: string };
  return [Message, Detail].filter((word): word is string => typeof word === 'string' && word !== '').slice(0, 1);
}

/** Words that say nothing of a document blame none: the call itself was wrong. */
function wholeCode(words: readonly string[]) {
  const code = codeOfRefusal(words);
  return code === 'validation' ? 'could_not_send' : code;
}

function parsed(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

function stringOf(element: object, field: string | null): string | null {
  const value = field === null ? undefined : (element as Record<string, unknown>)[field];
  return typeof value === 'string' && value !== '' ? value : null;
}

const messagesOf = (told: readonly ({ Message?: string } | null)[] | undefined): string[] =>
  told?.flatMap((each) => (each?.Message ? [each.Message] : [])) ?? [];

/** Errors stand at the element and at what lies in it: its contact, its lines. Each once. */
function errorWords(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = Array.isArray(value)
    ? []
    : messagesOf((value as { ValidationErrors?: { Message?: string }[] }).ValidationErrors);
  const inner = Object.entries(value).flatMap(([name, held]) => (name === 'ValidationErrors' ? [] : errorWords(held)));
  return [...new Set([...own, ...inner])];
}
