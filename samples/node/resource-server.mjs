// An API in plain Node: jose validates, from the issuer's metadata alone.
// Usage: node resource-server.mjs   (listens on PORT, 5200 by default)
import { createServer } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const issuer = process.env.AUTH_ISSUER ?? 'http://localhost:8080';
const audience = process.env.AUDIENCE ?? 'https://resources.sample';

const metadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json();
if (metadata.issuer !== issuer) throw new Error('The metadata is of another issuer.');
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri), { cacheMaxAge: 600_000 }); // an unknown kid fetches anew by itself

const FAULTS_OF_THE_TOKEN = /^ERR_(JWT_|JWS_|JOSE_ALG_NOT_ALLOWED$|JOSE_NOT_SUPPORTED$|JWKS_NO_MATCHING_KEY$)/;

async function authorize(request, scope) {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ');
  if (scheme.toLowerCase() !== 'bearer' || !token) return { status: 401, challenge: 'Bearer' };
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer, audience, typ: 'at+jwt', algorithms: ['ES256', 'RS256', 'PS256'], clockTolerance: 30, requiredClaims: ['exp', 'client_id'],
    });
    return (payload.scope ?? '').split(' ').includes(scope)
      ? { status: 200, client: payload.client_id }
      : { status: 403, challenge: `Bearer error="insufficient_scope", scope="${scope}"` };
  } catch (error) {
    // Not every failure is the token's: when the keys can't be read nobody knows.
    return FAULTS_OF_THE_TOKEN.test(error.code)
      ? { status: 401, challenge: 'Bearer error="invalid_token"' }
      : { status: 503 };
  }
}

const server = createServer(async (request, response) => {
  if (request.method !== 'GET' || request.url !== '/resources') return response.writeHead(404).end();
  const { status, challenge } = await authorize(request, 'read');
  if (status !== 200) return response.writeHead(status, challenge ? { 'WWW-Authenticate': challenge } : { 'Retry-After': '5' }).end();
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(['Resource 1', 'Resource 2', 'Resource 3']));
});
server.listen(process.env.PORT ?? 5200, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
