// Usage: CLIENT_ID=… CLIENT_SECRET=… node call-api.js
const { OAuth2Client } = require('./oauth2-client');

const api = process.env.API_URL ?? 'http://localhost:5100';
const client = new OAuth2Client({
  tokenUrl: `${process.env.AUTH_ISSUER ?? 'http://localhost:8080'}/oauth/token`,
  clientId: process.env.CLIENT_ID,
  clientSecret: process.env.CLIENT_SECRET,
  scope: process.env.SCOPE ?? 'read',
});

async function main() {
  // Ten calls at once, one token request.
  const answers = await Promise.all(Array.from({ length: 10 }, () => client.fetch(`${api}/resources`)));
  const bad = answers.find((answer) => !answer.ok);
  if (bad) throw new Error(`The API answered ${bad.status}`);
  for (const name of await answers[0].json()) console.log(`- ${name}`);
  console.log(`${answers.length} calls, ${client.metrics.requests} token request`);
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
