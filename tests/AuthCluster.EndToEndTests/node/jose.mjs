import { createRemoteJWKSet, jwtVerify } from 'jose';
import { answer, clientId, clientSecret, metadataUrl } from './environment.mjs';

const metadata = await (await fetch(metadataUrl)).json();
const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret });
const { access_token } = await (await fetch(metadata.token_endpoint, { method: 'POST', body: form })).json();

const { payload } = await jwtVerify(access_token, createRemoteJWKSet(new URL(metadata.jwks_uri)), {
  issuer: metadata.issuer,
  audience: metadata.issuer,
  typ: 'at+jwt',
  requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id'],
});
answer({ access_token, claims: payload });
