import { describe, expect, test } from 'vitest';
import {
  type ConnectionStatus,
  connectionStatuses,
  isLiving,
  isUnbound,
  mayMove,
  shownStatus,
} from '../../domain/connection.js';

const ended = ['authFailed', 'disconnected'] as const;
/** Where one may go from this status by this cause. */
const reached = (event: Parameters<typeof mayMove>[0], from: ConnectionStatus) =>
  connectionStatuses.filter((to) => mayMove(event, from, to));

describe('a connection', () => {
  test('is not bound yet, lives, or has ended', () => {
    for (const status of connectionStatuses) {
      const kinds = [isUnbound(status), isLiving(status), (ended as readonly string[]).includes(status)];
      expect([status, kinds.filter(Boolean)]).toEqual([status, [true]]);
    }
  });

  test('that has ended is woken by a consent and by nothing else', () => {
    for (const from of ended) {
      expect(reached('bound', from)).toEqual(['syncingContacts', 'active']);
      for (const event of ['offered', 'worked', 'refused'] as const) expect(reached(event, from)).toEqual([]);
    }
  });

  test('that is not bound yet is offered organisations or bound, and there is nothing of it to end', () => {
    for (const from of ['pending', 'choosingOrganisation'] as const) {
      expect(reached('offered', from)).toEqual(['choosingOrganisation']);
      expect(reached('bound', from)).toEqual(['syncingContacts', 'active']);
      for (const event of ['worked', 'refused', 'disconnected'] as const) expect(reached(event, from)).toEqual([]);
    }
  });

  test('whose first full read is done is moved by no run any more', () => {
    expect(reached('worked', 'active')).toEqual([]);
  });

  test('that lives never goes back to where nothing was bound', () => {
    for (const from of connectionStatuses.filter(isLiving)) {
      for (const event of ['offered', 'bound', 'worked', 'refused', 'disconnected'] as const) {
        expect(reached(event, from).filter(isUnbound)).toEqual([]);
      }
    }
  });

  test('shows as paused while it lives, and otherwise as what it is', () => {
    for (const status of connectionStatuses) {
      expect(shownStatus(status, false)).toBe(status);
      expect(shownStatus(status, true)).toBe(isLiving(status) ? 'paused' : status);
    }
  });
});
