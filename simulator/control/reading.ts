import type { ListPage } from '../accounting/reader.js';
import { readList } from '../accounting/reader.js';
import type { ListRequest } from '../accounting/request.js';
import type { ReadingWatcher } from '../accounting/routes.js';
import { Dice, keyFor } from '../core/random.js';
import { type Edit, EditError, type Editor } from '../data/edits.js';
import type { Organisation } from '../data/organisation.js';
import type { Stream } from '../data/stream.js';
import type { LiveList } from '../query/liveList.js';
import type { Settings } from '../settings.js';

export const READING_EDITS = ['edit', 'add', 'archive', 'merge', 'moveDateOut', 'moveDateIn'] as const;
export type ReadingEdit = (typeof READING_EDITS)[number];

/** Edits to make while a stream is being read, as the control API takes them. */
export interface ReadingWish {
  stream: string;
  everyCalls?: number;
  times?: number;
  seed?: string | number;
  edits: Partial<Record<ReadingEdit, number>>;
  at?: 'edge' | 'anywhere';
  when?: 'before' | 'after';
}

interface Campaign extends ReadingWish {
  dice: Dice;
  calls: number;
  rounds: number;
  made: number;
}

const OUT_DATE = '1999-12-31';
/** How far from a page's edge an edited row may lie. */
const NEAR = 3;

/** Makes seeded edits next to the page edges of lists that are being read: what loses rows for a naive reader (§2). */
export class ReadingEdits implements ReadingWatcher {
  private readonly campaigns = new Map<string, Campaign[]>();

  constructor(
    private readonly editor: Editor,
    private readonly settings: Settings,
  ) {}

  start(tenantId: string, wish: ReadingWish): void {
    const dice = new Dice(keyFor(String(wish.seed ?? 1), 'while reading'), 0);
    const campaign = { ...wish, dice, calls: 0, rounds: 0, made: 0 };
    this.campaigns.set(tenantId, [...(this.campaigns.get(tenantId) ?? []), campaign]);
  }

  /** Ends all edits of an organisation; answers how many were made. */
  stop(tenantId: string): number {
    const made = (this.campaigns.get(tenantId) ?? []).reduce((total, campaign) => total + campaign.made, 0);
    this.campaigns.delete(tenantId);
    return made;
  }

  before(organisation: Organisation, stream: Stream, request: ListRequest): void {
    for (const campaign of this.due(organisation, stream, 'before')) {
      const { list } = readList(organisation, stream, request, this.settings.values);
      this.round(campaign, organisation, list, request);
    }
  }

  after(organisation: Organisation, stream: Stream, request: ListRequest, page: ListPage): void {
    for (const campaign of this.due(organisation, stream, 'after'))
      this.round(campaign, organisation, page.list, request);
  }

  private due(organisation: Organisation, stream: Stream, when: 'before' | 'after'): Campaign[] {
    const all = this.campaigns.get(organisation.tenantId) ?? [];
    return all.filter((campaign) => {
      if (campaign.stream !== stream.endpoint.stream || (campaign.when ?? 'before') !== when) return false;
      campaign.calls++;
      const turn = campaign.calls % (campaign.everyCalls ?? 1) === 0;
      return turn && campaign.rounds < (campaign.times ?? Number.POSITIVE_INFINITY);
    });
  }

  private round(campaign: Campaign, organisation: Organisation, list: LiveList, request: ListRequest): void {
    campaign.rounds++;
    for (const [kind, count = 0] of Object.entries(campaign.edits)) {
      for (let n = 0; n < count; n++) this.once(campaign, organisation, kind as ReadingEdit, list, request);
    }
  }

  private once(
    campaign: Campaign,
    organisation: Organisation,
    kind: ReadingEdit,
    list: LiveList,
    request: ListRequest,
  ): void {
    const stream = organisation.stream(campaign.stream);
    if (!stream || (list.length === 0 && kind !== 'add')) return;
    const row = kind === 'moveDateIn' ? this.anyRow(campaign, stream) : this.nearEdge(campaign, list, request);
    try {
      this.editor.apply(organisation, {
        stream: campaign.stream,
        id: stream.idOf(row),
        ...EDITS[kind](campaign, stream, row),
      });
      campaign.made++;
    } catch (error) {
      if (!(error instanceof EditError)) throw error;
    }
  }

  private anyRow({ dice }: Campaign, stream: Stream): number {
    return dice.below(stream.length);
  }

  private nearEdge({ dice, at = 'edge' }: Campaign, list: LiveList, { page = 1, pageSize }: ListRequest): number {
    const edge = Math.min(page * pageSize, list.length);
    const wanted = at === 'anywhere' ? dice.below(list.length) : edge - NEAR + dice.below(2 * NEAR);
    const place = Math.min(Math.max(wanted, 0), list.length - 1);
    return list.slice(place, place + 1)[0] ?? 0;
  }
}

type EditMaker = (campaign: Campaign, stream: Stream, row: number) => Pick<Edit, 'op'> & Partial<Edit>;

const EDITS: Record<ReadingEdit, EditMaker> = {
  edit: () => ({ op: 'edit' }),
  add: () => ({ op: 'add' }),
  archive: () => ({ op: 'archive' }),
  merge: ({ dice }, stream, row) => {
    const target = dice.below(stream.length);
    return { op: 'merge', into: stream.idOf(target === row ? (row + 1) % stream.length : target) };
  },
  moveDateOut: () => ({ op: 'moveDate', date: OUT_DATE }),
  moveDateIn: () => ({ op: 'moveDate' }),
};
