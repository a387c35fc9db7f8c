import * as oauth from 'oauth4webapi';
import { answer, clientId, clientSecret, issuer } from './environment.mjs';

const insecure = { [oauth.allowInsecureRequests]: true };
const expectedIssuer = new URL(issuer);
const server = await oauth.processDiscoveryResponse(
  expectedIssuer,
  await oauth.discoveryRequest(expectedIssuer, { algorithm: 'oauth2', ...insecure }),
);
const client = { client_id: clientId };
const response = await oauth.clientCredentialsGrantRequest(server, client, oauth.ClientSecretPost(clientSecret), new URLSearchParams(), insecure);
const { access_token } = await oauth.processClientCredentialsResponse(server, client, response);

// The library's own check of an RFC 9068 token, as an API would make it on an incoming request.
const request = new Request('https://api.example.com/resource', { headers: { Authorization: `Bearer ${access_token}` } });
answer({ access_token, claims: await oauth.validateJwtAccessToken(server, request, issuer, insecure) });
