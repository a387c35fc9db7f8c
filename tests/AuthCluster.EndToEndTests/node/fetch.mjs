import { answer, clientId, clientSecret, method, tokenUrl } from './environment.mjs';

const form = new URLSearchParams({ grant_type: 'client_credentials' });
const headers = {};
if (method === 'basic') {
  headers.Authorization = `Basic ${btoa(`${clientId}:${clientSecret}`)}`;
} else {
  form.set('client_id', clientId);
  form.set('client_secret', clientSecret);
}

answer(await (await fetch(tokenUrl, { method: 'POST', body: form, headers })).json());
