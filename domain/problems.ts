/**
 * What a call to Xero can end in besides an answer. The border (xero/) translates status codes, headers and
 * network faults into these once; nothing beyond it looks at an HTTP status.
 * Their messages hold no customer data and no words of Xero's: they travel through Temporal.
 */

export type LimitName = 'minute' | 'day' | 'concurrent' | 'appminute';

/** No call may be made yet: the budget or Xero itself said so. Nothing was lost; ask again after `waitMs`. */
export class MustWait extends Error {
  constructor(
    readonly limit: LimitName,
    /** Milliseconds from now. */
    readonly waitMs: number,
  ) {
    super(`the ${limit} limit allows no call for ${Math.ceil(waitMs / 1000)} s`);
    this.name = 'MustWait';
  }
}

/** `unreached`: no connection was made, so nothing was sent. */
export type FaultKind = 'unreached' | 'network' | 'timeout' | 'unavailable' | 'offline' | 'badAnswer';

/** A call that brought no usable answer and may be made again, if it only reads. */
export class XeroFault extends Error {
  constructor(
    readonly kind: FaultKind,
    /** HTTP status where there was one. */
    readonly status: number | null = null,
  ) {
    super(`Xero fault: ${kind}${status === null ? '' : ` (status ${status})`}`);
    this.name = 'XeroFault';
  }
}

export type RefusalKind = 'authFailed' | 'scopeMissing' | 'notFound' | 'badRequest' | 'highVolume';

/** Xero understood and said no: the same call again gets the same no. */
export class XeroRefusal extends Error {
  constructor(
    readonly kind: RefusalKind,
    readonly status: number,
  ) {
    super(`Xero refused the call: ${kind} (status ${status})`);
    this.name = 'XeroRefusal';
  }
}
