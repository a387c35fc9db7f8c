import * as oauth from 'oauth4webapi';
import { answer, clientId, clientSecret, issuer, method, refusal } from './environment.mjs';

const insecure = { [oauth.allowInsecureRequests]: true }; // the test server speaks plain HTTP on loopback
const expectedIssuer = new URL(issuer);
const server = await oauth.processDiscoveryResponse(
  expectedIssuer,
  await oauth.discoveryRequest(expectedIssuer, { algorithm: 'oauth2', ...insecure }),
);
const client = { client_id: clientId };
const authentication = method === 'basic' ? oauth.ClientSecretBasic(clientSecret) : oauth.ClientSecretPost(clientSecret);

try {
  const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, new URLSearchParams(), insecure);
  answer(await oauth.processClientCredentialsResponse(server, client, response));
} catch (refused) {
  answer(await refusal(refused));
}
