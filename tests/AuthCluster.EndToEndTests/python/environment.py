"""What the test run tells a script, and the one way in which a script answers."""
import json
import os

ISSUER = os.environ["ISSUER"]
CLIENT_ID = os.environ["CLIENT_ID"]
CLIENT_SECRET = os.environ["CLIENT_SECRET"]
TOKEN_URL = ISSUER + "/oauth/token"
METADATA_URL = ISSUER + "/.well-known/oauth-authorization-server"


def answer(document):
    """Prints the one JSON document that the test reads."""
    print(json.dumps(document))
