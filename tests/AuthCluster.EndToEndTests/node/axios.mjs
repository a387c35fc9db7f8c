import axios from 'axios';
import { answer, clientId, clientSecret, method, tokenUrl } from './environment.mjs';

const form = new URLSearchParams({ grant_type: 'client_credentials' });
const options = {};
if (method === 'basic') {
  options.auth = { username: clientId, password: clientSecret };
} else {
  form.set('client_id', clientId);
  form.set('client_secret', clientSecret);
}

answer((await axios.post(tokenUrl, form, options)).data);
