/**
 * One fixed window of Xero's: so many calls from one reset to the next, at a phase nobody tells (xero-api.md §1).
 * Pure. Instants and durations are milliseconds on one clock, Postgres's.
 *
 * What is certain of a window is kept as bounds: its end lies in a bracket, and the calls left are the least that any of
 * its answers told, less those that may be counted but have told nothing yet.
 */

/** Later than `lo`, not later than `hi`. */
export interface Bracket {
  lo: number;
  hi: number;
}

export interface CallWindow {
  /** Calls of a whole window; null until an answer told. */
  limit: number | null;
  /** The least remaining that an answer of this window told; null while none did. */
  known: number | null;
  /** When this window ends; null until the first answer. */
  end: Bracket | null;
  /** Counts the windows, so that an answer knows whether it was asked for in this one. */
  epoch: number;
  /** Calls that may be counted beyond `known`: unanswered ones, and those at the edge between two windows. */
  unseen: number;
  /** When the last of them was added; an answer to a later call has them all in its header. */
  unseenAt: number;
  /** When the latest-sent answered call was sent. */
  heardAt: number;
  /** When a call was last let through to ask whether the window has ended. */
  probedAt: number;
}

/** What a call takes along of the window it was granted in. */
export interface Mark {
  sentAt: number;
  epoch: number;
  /** `known` and `heardAt` when it was granted. */
  known: number | null;
  heardAt: number;
}

export interface WindowRules {
  /** From one reset to the next. */
  period: number;
  /** The most calls that can be under way at a reset, and so be counted on either side of it. */
  straddlers: number;
  /** A bracket of the end no wider than this counts as knowing the phase. */
  knownWithin: number;
}

/** Whole seconds of Retry-After, rounded up or down (not known which), and the call's own time on the way. */
const retryAfterWidth = 2500;

export function windowRules(period: number, straddlers: number, shareKnown: number): WindowRules {
  return { period, straddlers, knownWithin: Math.max(period * shareKnown, retryAfterWidth) };
}

export function unknownWindow(limit: number | null): CallWindow {
  return { limit, known: null, end: null, epoch: 0, unseen: 0, unseenAt: 0, heardAt: 0, probedAt: 0 };
}

export function phaseKnown(window: CallWindow, rules: WindowRules): boolean {
  return window.end !== null && window.end.hi - window.end.lo <= rules.knownWithin;
}

/** Calls that surely are left, those under way not yet deducted; 1 where nothing is known at all. */
export function callsLeft(window: CallWindow): number {
  return (window.known ?? window.limit ?? 1) - window.unseen;
}

export function markOf(window: CallWindow, now: number): Mark {
  return { sentAt: now, epoch: window.epoch, known: window.known, heardAt: window.heardAt };
}

/** The window at `now`: a new one where the old one surely has ended. */
export function rolled(window: CallWindow, rules: WindowRules, now: number): CallWindow {
  if (window.end === null) return window;
  // A window cannot end further away than its period: the period was changed, or a clock was set back by more than a step.
  if (window.end.lo > now + rules.period + rules.knownWithin)
    return { ...unknownWindow(window.limit), epoch: window.epoch + 1 };
  if (now < window.end.hi) return window;
  const ahead = (Math.floor((now - window.end.hi) / rules.period) + 1) * rules.period;
  return {
    ...begun(window, { lo: window.end.lo + ahead, hi: window.end.hi + ahead }),
    known: null,
    // Calls that were on their way at the reset may be counted here; the first answer tells.
    unseen: Math.min(rules.straddlers, (window.limit ?? 1) - 1),
    unseenAt: now,
  };
}

/** An answer came: `remaining` is its header, null where it had none. */
export function heard(
  window: CallWindow,
  rules: WindowRules,
  call: Mark,
  remaining: number | null,
  now: number,
): CallWindow {
  if (remaining === null) return unheard(window, now);
  const told = { ...window, limit: limitAfter(window, rules, call, remaining) };
  if (window.end === null)
    return lowered({ ...told, end: { lo: call.sentAt, hi: now + rules.period } }, call, remaining);
  if (roseSince(call, remaining)) {
    return call.epoch === window.epoch ? afterRise(told, rules, call, remaining, now) : lowered(told, call, remaining);
  }
  // Granted in an earlier window and not surely counted in this one: its header must not speak for this one.
  if (call.epoch !== window.epoch) return unheard(window, now);
  const lower = lowered(told, call, remaining);
  return surelySameWindow(window, rules, call) ? endsAfter(lower, call.sentAt) : perhapsAnother(lower, rules, now);
}

/** No answer came: the call may be counted or not. */
export function unheard(window: CallWindow, now: number): CallWindow {
  return { ...window, unseen: window.unseen + 1, unseenAt: now };
}

/** A 429 of this window's limit. Retry-After tells its end to within a second either way; without it, to within a period. */
export function refused(
  window: CallWindow,
  rules: WindowRules,
  call: Mark,
  retryAfterSeconds: number | null,
  now: number,
): CallWindow {
  const told =
    retryAfterSeconds === null
      ? { lo: Math.max(call.sentAt, window.end?.lo ?? 0), hi: now + rules.period }
      : {
          lo: Math.max(call.sentAt, call.sentAt + (retryAfterSeconds - 1) * 1000),
          hi: now + (retryAfterSeconds + 1) * 1000,
        };
  // A refusal against a phase that seemed known proves it wrong: then only the refusal counts.
  const end = window.end === null || phaseKnown(window, rules) ? told : (overlap(told, window.end) ?? told);
  // It has answered what a probe would ask.
  return { ...window, known: 0, unseen: 0, end, heardAt: Math.max(window.heardAt, call.sentAt), probedAt: now };
}

/**
 * Within one window remaining only falls, and `call.known` was told before this call was sent: more than that is the
 * proof of a reset, however answers overtake each other.
 */
function roseSince(call: Mark, remaining: number): boolean {
  return call.known !== null && remaining > call.known;
}

/**
 * The reset lies between the send of the last call that was answered before this one was sent, and this answer.
 * Other calls of the new window may have been answered before this one without showing it, if the old window was hardly
 * used: then the lower figure stands.
 */
function afterRise(window: CallWindow, rules: WindowRules, call: Mark, remaining: number, now: number): CallWindow {
  const seen = { lo: call.heardAt, hi: now };
  const reset = (window.end && overlap(seen, window.end)) ?? seen;
  const end = { lo: Math.max(reset.lo + rules.period, call.sentAt), hi: reset.hi + rules.period };
  const known = surelySameWindow(window, rules, call) ? remaining : Math.min(window.known ?? remaining, remaining);
  return { ...begun(window, end), known, heardAt: Math.max(window.heardAt, call.sentAt) };
}

/** Could a reset hide between this answer and what was known before? Only where that was nearly a whole window. */
function surelySameWindow(window: CallWindow, rules: WindowRules, call: Mark): boolean {
  const limit = window.limit ?? 0;
  return call.known !== null && call.known < limit - Math.min(rules.straddlers, limit / 4);
}

function lowered(window: CallWindow, call: Mark, remaining: number): CallWindow {
  return {
    ...window,
    known: Math.min(window.known ?? remaining, remaining),
    unseen: call.sentAt >= window.unseenAt ? 0 : window.unseen,
    heardAt: Math.max(window.heardAt, call.sentAt),
  };
}

function endsAfter(window: CallWindow, instant: number): CallWindow {
  if (window.end === null || instant <= window.end.lo || instant >= window.end.hi) return window;
  return { ...window, end: { lo: instant, hi: window.end.hi } };
}

/**
 * This answer may be the first of a window that nobody saw begin, so the end may be a whole period away. A phase that is
 * known is not given up for that: its reset comes when it comes, and the next header puts the figure right.
 */
function perhapsAnother(window: CallWindow, rules: WindowRules, now: number): CallWindow {
  if (window.end === null || now <= window.end.lo || phaseKnown(window, rules)) return window;
  return { ...window, end: { lo: window.end.lo, hi: Math.max(window.end.hi, now + rules.period) } };
}

function begun(window: CallWindow, end: Bracket): CallWindow {
  return { ...window, end, epoch: window.epoch + 1, unseen: 0, unseenAt: 0, probedAt: 0 };
}

/** The limit grows with any header above it, and shrinks when a window begins with far less (a lower tier of Xero's). */
function limitAfter(window: CallWindow, rules: WindowRules, call: Mark, remaining: number): number {
  const told = remaining + 1;
  if (window.limit === null || told > window.limit) return told;
  const first = window.end !== null && (window.known === null || roseSince(call, remaining));
  return first && call.epoch === window.epoch && told + 2 * rules.straddlers < window.limit ? told : window.limit;
}

function overlap(one: Bracket, other: Bracket): Bracket | null {
  const both = { lo: Math.max(one.lo, other.lo), hi: Math.min(one.hi, other.hi) };
  return both.lo < both.hi ? both : null;
}
