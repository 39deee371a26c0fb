import { Issuer } from 'openid-client';
import { XeroClient } from 'xero-node';
import type { Simulator } from '../../simulator/index.js';
import { CLIENT, decide, REDIRECT } from './support.js';

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
