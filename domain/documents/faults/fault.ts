/** What a check finds: the code stands in the table. */
export interface Fault {
  /** Dotted path in the content; null where no field is to blame. */
  field: string | null;
  /** More than the code's own message says: figures, names of the platform's. */
  detail?: string;
}

export const none: readonly Fault[] = [];

/** One fault of a field where something is so. */
export const when = (isSo: boolean, field: string | null, detail?: string): readonly Fault[] =>
  isSo ? [{ field, ...(detail !== undefined && { detail }) }] : none;
