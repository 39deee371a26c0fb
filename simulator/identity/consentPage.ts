/** What the consent page shows. */
export interface ConsentView {
  action: string;
  clientId: string;
  user: string;
  scopes: string[];
  organisations: { tenantId: string; name: string }[];
  problem?: string;
}

const html = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem;color:#1d2733}
h1{font-size:1.4rem}label{display:block;padding:.35rem 0}fieldset{border:1px solid #c7ced6;border-radius:8px}
button{font:inherit;padding:.5rem 1.4rem;border-radius:6px;border:1px solid #0b6fb8;margin:1rem .5rem 0 0;cursor:pointer}
button[value=allow]{background:#0b6fb8;color:#fff}.problem{color:#a4161a}input[type=email]{font:inherit;width:100%}
small{color:#5a6672}`;

const document = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${html(title)}</title>` +
  `<meta name="viewport" content="width=device-width"><style>${STYLE}</style></head><body>${body}</body></html>`;

/** The page on which a user chooses organisations and allows or denies. */
export function consentPage({ action, clientId, user, scopes, organisations, problem }: ConsentView): string {
  const choices = organisations.map(
    ({ tenantId, name }, index) =>
      `<label><input type="checkbox" name="tenant" value="${html(tenantId)}"${index === 0 ? ' checked' : ''}> ` +
      `${html(name)}</label>`,
  );
  return document(
    'Xero simulator: allow access',
    `<h1>${html(clientId)} wants access to your organisations</h1>${problem ? `<p class="problem">${html(problem)}</p>` : ''}` +
      `<form method="post" action="${html(action)}"><p><label>Signed in as <input type="email" name="user" ` +
      `value="${html(user)}"></label></p><fieldset><legend>Organisations</legend>${choices.join('')}</fieldset>` +
      `<p><small>It asks for: ${html(scopes.join(', '))}</small></p>` +
      '<button name="decision" value="allow">Allow access</button><button name="decision" value="deny">Deny</button></form>',
  );
}

/** What Xero shows instead of redirecting when the request itself is wrong. */
export function errorPage(error: string, detail: string): string {
  return document(
    'Xero simulator: error',
    `<h1>Sorry, something went wrong</h1><p>Error: ${html(error)}</p><p>${html(detail)}</p>`,
  );
}
