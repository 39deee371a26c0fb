/** A person who reviews what would move, over the API, and exports it. */
import type { Platform } from './platform.js';
import type { System } from './system.js';
import { eventually } from './waiting.js';

interface GroupView {
  records: number;
  errors: number;
  warnings: number;
  skipped: number;
  total: Record<string, string>;
}

interface PreviewView {
  id: string;
  state: string;
  code: string | null;
  groups: Record<string, GroupView>;
}

export interface ExportView {
  id: string;
  state: string;
  code: string | null;
  endedAt: string | null;
  changed: string[];
  groups: Record<string, Record<string, number>>;
}

export interface RowView {
  kind: string;
  externalId: string;
  outcome: string;
  errors: { code: string }[];
  warnings: { code: string }[];
  result?: string;
  code?: string | null;
}

interface RunView {
  kind: string;
  endedAt: string | null;
  streams: Record<string, { calls: number }>;
}

export class Reviewer {
  constructor(
    private readonly system: System,
    private readonly platform: Platform,
  ) {}

  /** A preview that is made anew, and the currency of the organisation. */
  async preview(): Promise<PreviewView & { currency: string }> {
    const { id } = await this.system.api.post<{ id: string }>(`/connections/${this.platform.books.id}/previews`, {});
    const made = await eventually(
      'the preview is made',
      () => this.system.api.get<PreviewView>(`/previews/${id}`),
      ({ state }) => state !== 'working',
    );
    if (made.state !== 'ready') throw new Error(`the preview ended as ${made.code}`);
    const { organisation } = await this.system.api.get<{ organisation: { baseCurrency: string } }>(
      `/connections/${this.platform.books.id}`,
    );
    return { ...made, currency: organisation.baseCurrency };
  }

  /** The calls of the newest run of the kind, by stream; a sync is made for it. */
  async callsOf(kind: 'sync' | 'preview'): Promise<Record<string, number>> {
    const path = `/connections/${this.platform.books.id}`;
    if (kind === 'sync') await this.system.api.post(`${path}/sync`, {});
    const newest = async () => {
      const { data } = await this.system.api.get<{ data: RunView[] }>(`${path}/runs?limit=20`);
      return data.find((run) => run.kind === kind);
    };
    const run = await eventually(`the ${kind} has ended`, newest, (now) => now !== undefined && now.endedAt !== null);
    return Object.fromEntries(Object.entries(run?.streams ?? {}).map(([stream, { calls }]) => [stream, calls]));
  }

  rows(previewId: string, group: string): Promise<RowView[]> {
    return this.all(`/previews/${previewId}/${group}`);
  }

  /** @returns the export's id. @throws ApiProblem */
  async send(previewId: string): Promise<string> {
    const path = `/connections/${this.platform.books.id}/exports`;
    return (await this.system.api.post<{ id: string }>(path, { previewId })).id;
  }

  export(id: string): Promise<ExportView> {
    return this.system.api.get(`/exports/${id}`);
  }

  exported(id: string): Promise<ExportView> {
    return this.until(id, ({ endedAt }) => endedAt !== null);
  }

  until(id: string, stands: (now: ExportView) => boolean): Promise<ExportView> {
    return eventually('the export stands as wished', () => this.export(id), stands);
  }

  async step(id: string, step: 'pause' | 'resume' | 'cancel'): Promise<void> {
    await this.system.api.post(`/exports/${id}/${step}`, {});
  }

  exportRows(id: string): Promise<RowView[]> {
    return this.all(`/exports/${id}/rows`);
  }

  /** What became of each document, by its external id. */
  async results(id: string): Promise<Record<string, string>> {
    return Object.fromEntries((await this.exportRows(id)).map(({ externalId, result }) => [externalId, result ?? '']));
  }

  /** Sets the period lock in Xero. */
  async lock(date: string): Promise<void> {
    await this.system.xero('PATCH', `/organisations/${this.platform.books.organisation}`, { periodLockDate: date });
  }

  private async all(path: string): Promise<RowView[]> {
    const rows: RowView[] = [];
    for (let cursor = ''; ; ) {
      const page = await this.system.api.get<{ data: RowView[]; nextCursor: string | null }>(
        `${path}?limit=200${cursor}`,
      );
      rows.push(...page.data);
      if (page.nextCursor === null) return rows;
      cursor = `&cursor=${page.nextCursor}`;
    }
  }
}
