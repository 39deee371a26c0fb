/** The small pages that a customer's browser meets after the consent. */

export interface Page {
  title: string;
  paragraphs: readonly string[];
}

export function htmlOf(page: Page): string {
  const paragraphs = page.paragraphs.map((text) => `<p>${escaped(text)}</p>`).join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escaped(page.title)} · Nightledger</title>
<style>
body { font: 1.05rem/1.6 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto; padding: 0 1.5rem; color: #1c2733; }
h1 { font-size: 1.5rem; line-height: 1.3; }
</style>
</head>
<body>
<h1>${escaped(page.title)}</h1>
${paragraphs}
</body>
</html>
`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
