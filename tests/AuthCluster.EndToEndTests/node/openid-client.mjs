import * as client from 'openid-client';
import { answer, clientId, clientSecret, issuer, method, refusal } from './environment.mjs';

const authentication = method === 'basic' ? client.ClientSecretBasic(clientSecret) : client.ClientSecretPost(clientSecret);
const configuration = await client.discovery(new URL(issuer), clientId, {}, authentication, {
  algorithm: 'oauth2',
  execute: [client.allowInsecureRequests], // the test server speaks plain HTTP on loopback
});

try {
  answer(await client.clientCredentialsGrant(configuration));
} catch (refused) {
  answer(await refusal(refused));
}
