/** The settings of connections, and what changes them. */
import type { Settings, SettingsPatch } from '../settings.js';

export interface SettingsStore {
  /** With defaults filled in; null for a connection that does not exist. */
  get(connectionId: string): Promise<Settings | null>;
  /**
   * Merges a change into what was chosen (JSON Merge Patch); of several at once none loses what another set. `accept` is
   * shown what the settings would be, and may throw. Null for a connection that does not exist.
   * @throws InvalidSettings when the whole would break a limit, and what `accept` throws; nothing is stored then.
   */
  change(connectionId: string, patch: SettingsPatch, accept?: (settings: Settings) => void): Promise<Settings | null>;
}
