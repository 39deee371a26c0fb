import { Presets, SingleBar } from 'cli-progress';
import type { Backfill } from './backfill.js';

export interface ProgressView {
  backfill: Backfill;
  callsLeft: { day: number | null; minute: number | null };
}

/** A bar on a terminal; elsewhere a line whenever something worth a line has changed. */
export function createProgress(out: NodeJS.WriteStream) {
  return out.isTTY ? terminalBar(out) : plainLines(out);
}

interface Totals {
  records: number;
  expected: number;
  secondsLeft: number | null;
}

function totals({ backfill }: ProgressView): Totals {
  const streams = Object.values(backfill.streams);
  const records = streams.reduce((sum, stream) => sum + stream.records, 0);
  const expected = streams.reduce((sum, stream) => sum + Math.max(stream.records, stream.expected ?? 0), 0);
  const seconds = (Date.now() - Date.parse(backfill.startedAt)) / 1000;
  const secondsLeft = records > 0 ? Math.round((seconds / records) * (expected - records)) : null;
  return { records, expected, secondsLeft };
}

function state(view: ProgressView, { secondsLeft }: Totals): string {
  const { sleepingUntil } = view.backfill;
  if (sleepingUntil) return `sleeping until ${sleepingUntil}`;
  if (view.callsLeft.minute === 0) return "waiting for the next minute's calls";
  return secondsLeft === null ? 'starting' : `about ${secondsLeft} s left`;
}

function terminalBar(out: NodeJS.WriteStream) {
  const format = 'Backfill {bar} {value}/{total} records | {calls} calls, {left} left today | {state}';
  const bar = new SingleBar({ format, stream: out, hideCursor: true }, Presets.shades_classic);
  let started = false;
  return {
    show(view: ProgressView): void {
      const sum = totals(view);
      const payload = { calls: view.backfill.calls, left: view.callsLeft.day ?? '?', state: state(view, sum) };
      if (!started) bar.start(sum.expected, sum.records, payload);
      started = true;
      bar.setTotal(sum.expected);
      bar.update(sum.records, payload);
    },
    end: () => bar.stop(),
  };
}

const lineEveryMs = 2000;

function plainLines(out: NodeJS.WriteStream) {
  let last = '';
  let lastAt = 0;
  return {
    show(view: ProgressView): void {
      const sum = totals(view);
      const line = `Backfill: ${sum.records}/${sum.expected} records, ${view.backfill.calls} calls, ${view.callsLeft.day ?? '?'} left today, ${state(view, sum)}`;
      const due = Date.now() - lastAt >= lineEveryMs || view.backfill.endedAt !== null;
      if (line === last || !due) return;
      [last, lastAt] = [line, Date.now()];
      out.write(`${line}\n`);
    },
    end: () => undefined,
  };
}
