import { element } from '../core/lookup.js';
import { type Dice, draw, Dice as Roll } from '../core/random.js';
import { type Row, XeroDate } from '../core/values.js';
import { currenciesOf } from './chart.js';
import { FAMILY_NAMES, FIRST_WORDS, GIVEN_NAMES, PLACES, SECOND_WORDS, STREETS } from './words.js';
import type { Column, Source, World } from './world.js';

export type Role = 'customer' | 'supplier';

const ARCHIVED_PERCENT = 5;
/** Among archived contacts, how many were merged into another one. */
const MERGED_PERCENT = 20;
const FOREIGN_PERCENT = 8;
/** Groups of four neighbours, one in ten of which share a name but for its ending. */
const GROUP = 4;
const NEAR_SAME_PERCENT = 10;
const ENDINGS = ['', ' Ltd', ' Limited', ' Ltd.'];

/** Contacts: near-same names, archived and merged ones, foreign currencies (xero-api.md §4). */
export class Contacts implements Source {
  readonly count: number;
  readonly columns: Record<string, Column>;
  private readonly timeline;
  private readonly ids;
  private readonly groupIds;
  private readonly nameKey: number;
  private readonly traitKey: number;
  private readonly currencies: string[];

  constructor(private readonly world: World) {
    this.count = world.count('contacts');
    this.timeline = world.timeline('contacts');
    this.ids = world.ids('contacts');
    this.groupIds = world.ids('contactGroups');
    this.nameKey = world.key('contact names');
    this.traitKey = world.key('contact traits');
    this.currencies = currenciesOf(world.baseCurrency).map(({ code }) => code);
    this.columns = {
      Name: (index) => this.name(index),
      ContactStatus: (index) => this.status(index),
      IsCustomer: (index) => this.has(index, 'customer'),
      IsSupplier: (index) => this.has(index, 'supplier'),
    };
  }

  stamp(index: number): number {
    return this.timeline.stamp(index);
  }

  id(index: number): string {
    return this.ids.guid(index);
  }

  status(index: number): string {
    return this.archived(index) ? 'ARCHIVED' : 'ACTIVE';
  }

  archived(index: number): boolean {
    return index > 0 && index < this.count && draw(this.traitKey, index) % 100 < ARCHIVED_PERCENT;
  }

  /** The contact that `index` was merged into. */
  mergedInto(index: number): number | undefined {
    if (!this.archived(index) || (draw(this.traitKey, index) >>> 8) % 100 >= MERGED_PERCENT) return undefined;
    let target = index - 1;
    while (this.archived(target)) target--;
    return target;
  }

  has(index: number, role: Role): boolean {
    if (index === 0) return true;
    const share = (draw(this.traitKey, index) >>> 4) % 10;
    return role === 'customer' ? share < 7 : share >= 6;
  }

  currency(index: number): string {
    if (index === 0 || (draw(this.traitKey, index) >>> 12) % 100 >= FOREIGN_PERCENT) return this.world.baseCurrency;
    return element(this.currencies, 1 + (draw(this.traitKey, index) % (this.currencies.length - 1)));
  }

  /** A contact for a document: some have many documents, most few. */
  pick(dice: Dice, role: Role): number {
    for (let attempt = 0; attempt < 6; attempt++) {
      const index = Math.min(dice.below(this.count), dice.below(this.count));
      if (!this.archived(index) && this.has(index, role)) return index;
    }
    return 0;
  }

  /** Unique for every index, though one in ten groups of four differ only in their ending. */
  name(index: number): string {
    const first = index - (index % GROUP);
    const nearSame = draw(this.traitKey ^ 1, first) % 100 < NEAR_SAME_PERCENT;
    if (nearSame) return this.stem(first) + element(ENDINGS, index % GROUP);
    return this.stem(index) + element(ENDINGS, draw(this.traitKey ^ 2, index) % 3);
  }

  private stem(index: number): string {
    let rest = this.scattered(index);
    const word = (list: string[]): string => {
      const chosen = element(list, rest % list.length);
      rest = Math.floor(rest / list.length);
      return chosen;
    };
    const core = `${word(FIRST_WORDS)} ${word(SECOND_WORDS)}`;
    const place = word(PLACES);
    return `${core}${place ? ` ${place}` : ''}${rest > 0 ? ` ${rest + 1}` : ''}`;
  }

  /** A permutation of the indices (7919 is a prime that divides no product of the word lists). */
  private scattered(index: number): number {
    const names = FIRST_WORDS.length * SECOND_WORDS.length * PLACES.length;
    const block = Math.floor(index / names);
    return block * names + (((index % names) * 7919 + (this.nameKey % names)) % names);
  }

  row(index: number): Row {
    const dice = new Roll(this.traitKey ^ 3, index);
    const given = dice.pick(GIVEN_NAMES);
    const family = dice.pick(FAMILY_NAMES);
    const merged = this.mergedInto(index);
    const email = `accounts${index}@example.com`;
    return {
      ContactID: this.id(index),
      ContactNumber: dice.chance(20) ? `EXT-${index + 1}` : undefined,
      AccountNumber: dice.chance(30) ? `A${10_000 + index}` : undefined,
      ContactStatus: this.status(index),
      Name: this.name(index),
      FirstName: given,
      LastName: family,
      EmailAddress: dice.chance(80) ? email : '',
      BankAccountDetails: dice.chance(25) ? `12-3456-${String(1_000_000 + index)}-00` : '',
      TaxNumber: dice.chance(25)
        ? `${100 + dice.below(30)}-${100 + dice.below(900)}-${100 + dice.below(900)}`
        : undefined,
      Addresses: [
        { AddressType: 'STREET', City: '', Region: '', PostalCode: '', Country: '' },
        this.postalAddress(dice),
      ],
      Phones: ['DDI', 'DEFAULT', 'FAX', 'MOBILE'].map((type) => this.phone(type, dice)),
      UpdatedDateUTC: new XeroDate(this.stamp(index)),
      ContactGroups: this.groups(index),
      IsSupplier: this.has(index, 'supplier'),
      IsCustomer: this.has(index, 'customer'),
      DefaultCurrency: this.currency(index),
      ContactPersons: dice.chance(15)
        ? [
            {
              FirstName: family,
              LastName: given,
              EmailAddress: `p${index}@example.com`,
              IncludeInEmails: dice.chance(50),
            },
          ]
        : [],
      MergedToContactID: merged === undefined ? undefined : this.id(merged),
      HasAttachments: false,
      HasValidationErrors: false,
    };
  }

  private groups(index: number): Row[] {
    const count = this.world.count('contactGroups');
    const share = draw(this.traitKey ^ 4, index) % 20;
    if (share >= count) return [];
    return [
      { ContactGroupID: this.groupIds.guid(share), Name: GROUP_NAMES[share] ?? `Group ${share + 1}`, Status: 'ACTIVE' },
    ];
  }

  private postalAddress(dice: Dice): Row {
    return {
      AddressType: 'POBOX',
      AddressLine1: `${dice.between(1, 400)} ${dice.pick(STREETS)}`,
      City: dice.pick(PLACES) || 'Auckland',
      Region: '',
      PostalCode: String(1000 + dice.below(9000)),
      Country: '',
      AttentionTo: '',
    };
  }

  private phone(type: string, dice: Dice): Row {
    const known = type === 'DEFAULT' && dice.chance(70);
    return {
      PhoneType: type,
      PhoneNumber: known ? String(1_000_000 + dice.below(9_000_000)) : '',
      PhoneAreaCode: known ? '09' : '',
      PhoneCountryCode: known ? '64' : '',
    };
  }
}

export const GROUP_NAMES = ['Subcontractors', 'Trade customers', 'Retail customers', 'Councils'];
