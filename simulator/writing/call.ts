import type { Answer } from '../accounting/admission.js';
import { validationException } from '../accounting/errors.js';
import { writePage } from '../accounting/reader.js';
import type { Clock } from '../core/clock.js';
import { ZERO_GUID } from '../core/guid.js';
import { type Row, writeJson } from '../core/values.js';
import type { Organisation } from '../data/organisation.js';
import type { Organisations } from '../data/organisations.js';
import type { Settings } from '../settings.js';
import { Books } from './books.js';
import { type ElementWriter, type Given, type How, type Planned, ValidationFailed } from './writer.js';

/** One call that writes. */
export interface WriteCall {
  organisation: Organisation;
  writer: ElementWriter;
  elements: Given[];
  how: How;
  /** Whether one refused element refuses the call. */
  summarizeErrors: boolean;
  /** The app that calls, named in the envelope. */
  provider: string;
}

export interface WritingParts {
  organisations: Organisations;
  clock: Clock;
  settings: Settings;
}

/** What became of one element. */
type Outcome = { given: Given; planned: Planned } | { given: Given; refused: ValidationFailed };

/**
 * Writes the elements of a call one after the other, and answers as Xero does (xero-api.md §3). Throws the Refusal of a
 * call that is refused as a whole; then nothing is written, unless the switch `goodOnesSavedWhenSummarized` says so.
 */
export function writeCall(parts: WritingParts, call: WriteCall): Answer {
  const { organisations, clock, settings } = parts;
  const { organisation, writer, elements, how, provider } = call;
  const now = clock.now();
  const books = new Books(organisation, now, settings.values);
  const outcomes = elements.map((given) => outcomeOf(books, writer, given, how));
  const refused = outcomes.filter((outcome) => 'refused' in outcome);
  const refusesCall = call.summarizeErrors && refused.length > 0;
  if (!refusesCall || settings.values.switches.goodOnesSavedWhenSummarized) {
    books.settle(({ stream, index, row, byPayment, silent }) => {
      const stamp = silent ? (organisation.stream(stream)?.stamp(index) ?? now) : now;
      organisations.writeRows(organisation, stream, [{ index, stamp, row }], byPayment);
    });
  }
  if (refusesCall) throw validationException(refused.map((one) => writeJson(refusedRow(writer, one, how))));
  if (how.method === 'DELETE' && writer.deletesSilently) return { status: 204, body: Buffer.alloc(0) };
  const rows = outcomes.map((outcome) => shownRow(call, outcome));
  return { status: 200, body: writePage(writer.collection, { rows }, provider, now, how.unitDecimals) };
}

function outcomeOf(books: Books, writer: ElementWriter, given: Given, how: How): Outcome {
  try {
    const planned = writer.plan(books, given, how);
    books.hold(planned);
    return { given, planned };
  } catch (error) {
    if (error instanceof ValidationFailed) return { given, refused: error };
    throw error;
  }
}

/** The element as the answer shows it: the row as GET by id does, with what summarizeErrors=false adds. */
function shownRow({ organisation, writer, how, summarizeErrors }: WriteCall, outcome: Outcome): Row {
  if ('refused' in outcome) return { ...refusedRow(writer, outcome, how), StatusAttributeString: 'ERROR' };
  const { planned } = outcome;
  const warnings = messages(planned.warnings ?? []);
  return {
    ...(planned.shown ?? storedRow(organisation, writer.stream, planned.id)),
    ...(warnings.length > 0 && { Warnings: warnings }),
    ...(!summarizeErrors && { StatusAttributeString: warnings.length > 0 ? 'WARNING' : 'OK' }),
  };
}

function storedRow(organisation: Organisation, name: string, id: string): Row {
  const stream = organisation.stream(name);
  const index = stream?.indexOf(id);
  if (!stream || index === undefined) throw new RangeError(`nothing was written at ${name} ${id}`);
  return organisation.show(stream, index);
}

function refusedRow(
  { idField, errorFlag }: ElementWriter,
  outcome: Outcome & { refused: ValidationFailed },
  how: How,
): Row {
  const { given, refused } = outcome;
  const id = given[idField] ?? how.id ?? ZERO_GUID;
  return {
    ...(given as Row),
    [idField]: String(id),
    [errorFlag]: true,
    ValidationErrors: messages(refused.messages),
    ...(refused.warnings.length > 0 && { Warnings: messages(refused.warnings) }),
  };
}

const messages = (texts: string[]): Row[] => texts.map((Message) => ({ Message }));
