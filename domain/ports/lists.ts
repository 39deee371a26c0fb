/** Pages of a list. */

export interface ListPage {
  limit: number;
  cursor?: string;
}
export interface Listed<T> {
  data: T[];
  nextCursor: string | null;
}

/** The cursor of a list was not one that the list has given out. */
export class InvalidCursor extends Error {
  constructor() {
    super('the cursor is not one of this list');
    this.name = 'InvalidCursor';
  }
}
