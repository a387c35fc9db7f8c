from authlib.integrations.requests_client import OAuth2Session
from environment import CLIENT_ID, CLIENT_SECRET, TOKEN_URL, answer

session = OAuth2Session(CLIENT_ID, CLIENT_SECRET, token_endpoint_auth_method="client_secret_post")
answer(session.fetch_token(TOKEN_URL, grant_type="client_credentials"))
