/** Previews and exports as the API shows them. */
import type { z } from 'zod';
import { documentCodes, type Explanation, paymentCodes } from '../domain/codes.js';
import type { Export, ExportRow, Preview, PreviewRow, RowFinding } from '../domain/ports.js';
import type { exportRowSchema, exportSchema, previewRowSchema, previewSchema } from './schemas/preview.js';

export function previewView(preview: Preview): z.infer<typeof previewSchema> {
  const { connectionId: connection, companyId: _, rows, planned, ...rest } = preview;
  const doing = preview.state !== 'working' ? 'done' : rows === null ? 'reading' : 'planning';
  return { ...rest, connection, progress: { doing, rows, planned } };
}

export function previewRowView({
  place: _,
  body,
  errors,
  warnings,
  ...row
}: PreviewRow): z.infer<typeof previewRowSchema> {
  return { ...row, ...body, errors: errors.map(withRemedy), warnings: warnings.map(withRemedy) };
}

export function exportView(shown: Export): z.infer<typeof exportSchema> {
  const { connectionId: connection, previewId: preview, companyId: _, ...rest } = shown;
  return { ...rest, connection, preview };
}

export function exportRowView({
  result,
  code,
  refusals,
  xeroId,
  settledAt,
  ...row
}: ExportRow): z.infer<typeof exportRowSchema> {
  return { ...previewRowView(row), result, code, refusals: refusals.map(withRemedy), xeroId, settledAt };
}

function withRemedy(finding: RowFinding): RowFinding & { remedy: string } {
  return { ...finding, remedy: explanations[finding.code].remedy };
}

const explanations: Readonly<Record<RowFinding['code'], Explanation>> = { ...paymentCodes, ...documentCodes };
