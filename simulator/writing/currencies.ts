import { textOf } from './fields.js';
import { type ElementWriter, refuseIfAny } from './writer.js';

/** `PUT /Currencies` subscribes to one; there is no way back. */
export const currencies: ElementWriter = {
  path: 'Currencies',
  collection: 'Currencies',
  stream: 'currencies',
  idField: 'Code',
  methods: ['PUT'],
  largest: 1,
  errorFlag: 'HasValidationErrors',
  plan: (books, given) => {
    const complaints: string[] = [];
    const Code = (textOf(given, 'Code', complaints) ?? '').toUpperCase();
    if (!/^[A-Z]{3}$/.test(Code)) complaints.push(`'${Code}' is not a valid currency code`);
    if (books.subscribesTo(Code)) complaints.push(`Organisation is already subscribed to currency ${Code}`);
    const Description = textOf(given, 'Description', complaints, 255) || Code;
    refuseIfAny(complaints);
    return {
      id: Code,
      rows: [{ stream: 'currencies', index: books.fresh('currencies').index, row: { Code, Description } }],
    };
  },
};
