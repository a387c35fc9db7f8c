// The values that the test run gives a script, and the one way in which a script answers.
export const issuer = process.env.ISSUER;
export const clientId = process.env.CLIENT_ID;
export const clientSecret = process.env.CLIENT_SECRET;
export const tokenUrl = `${issuer}/oauth/token`;
export const metadataUrl = `${issuer}/.well-known/oauth-authorization-server`;

/** The authentication method that the script's first argument names: "post" or "basic". */
export const method = process.argv[2];

/** Prints the one JSON document that the test reads. */
export function answer(document) {
  process.stdout.write(JSON.stringify(document));
}

/** The error code in what openid-client and oauth4webapi throw: a 401 is thrown as its challenges, with the body still there to be read. */
export async function refusal(thrown) {
  const body = thrown.error ? thrown : await thrown.response?.json();
  return { error: body?.error ?? thrown.code, message: thrown.message };
}
