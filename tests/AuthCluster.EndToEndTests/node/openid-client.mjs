import * as client from 'openid-client';
import { answer, clientId, clientSecret, issuer, method } from './environment.mjs';

const authentication = method === 'basic' ? client.ClientSecretBasic(clientSecret) : client.ClientSecretPost(clientSecret);
const configuration = await client.discovery(new URL(issuer), clientId, {}, authentication, {
  algorithm: 'oauth2',
  execute: [client.allowInsecureRequests], // the test server speaks plain HTTP on loopback
});

try {
  answer(await client.clientCredentialsGrant(configuration));
} catch (refused) {
  answer({ error: refused.error ?? refused.cause?.[0]?.parameters?.error ?? refused.code, message: refused.message });
}
