import { Issuer } from 'openid-client';
import { type AccountingApi, type Contact, XeroClient } from 'xero-node';
import { type Simulator, startSimulator } from '../../simulator/index.js';
import { CLIENT, control, decide, REDIRECT, WRITE_SCOPES } from './support.js';

/** Points an unchanged xero-node at the simulator: its issuer is preset, its API moved. */
function sdk(simulator: Simulator, scopes: string[]): XeroClient {
  const xero = new XeroClient({
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    redirectUris: [REDIRECT],
    scopes,
    state: 'from the SDK',
  });
  const issuer = new Issuer({
    issuer: simulator.url,
    authorization_endpoint: `${simulator.url}/identity/connect/authorize`,
    token_endpoint: `${simulator.url}/connect/token`,
    revocation_endpoint: `${simulator.url}/connect/revocation`,
    jwks_uri: `${simulator.url}/.well-known/openid-configuration/jwks`,
  });
  xero.openIdClient = new issuer.Client({
    client_id: CLIENT.id,
    client_secret: CLIENT.secret,
    redirect_uris: [REDIRECT],
    response_types: ['code'],
  });
  xero.accountingApi.basePath = `${simulator.url}/api.xro/2.0`;
  return xero;
}

/** The same, after its user has consented to one organisation. */
export async function connectedSdk(simulator: Simulator, tenantId: string, scopes: string[]): Promise<XeroClient> {
  const xero = sdk(simulator, scopes);
  const back = await decide(await xero.buildConsentUrl(), [
    ['tenant', tenantId],
    ['decision', 'allow'],
  ]);
  await xero.apiCallback(back.href);
  return xero;
}

let serial = 0;
/** A name that nothing has yet. */
export const newName = (): string => `By the SDK ${++serial}`;

export interface SdkBooks {
  simulator: Simulator;
  api: AccountingApi;
  tenantId: string;
  /** Of whom documents may be made. */
  contact: Contact;
}

/** An organisation with a contact in it, and an unchanged xero-node that may write to it. */
export async function sdkBooks(): Promise<SdkBooks> {
  const simulator = await startSimulator({ port: 0, demo: false });
  const wish = { records: 200, limits: { minute: 1_000 } };
  const { tenantId } = await control(simulator, 'POST', '/organisations', wish);
  const api = (await connectedSdk(simulator, tenantId, WRITE_SCOPES)).accountingApi;
  const { body } = await api.createContacts(tenantId, { contacts: [{ name: newName() }] });
  return { simulator, api, tenantId, contact: { contactID: body.contacts?.[0]?.contactID } };
}
