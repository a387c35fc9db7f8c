#!/usr/bin/env bash
# Calls an API with a token that is kept for as long as it lasts, in a file that only its owner reads.
# Usage: CLIENT_ID=… CLIENT_SECRET=… ./call-api.sh
set -euo pipefail
umask 077

issuer=${AUTH_ISSUER:-http://localhost:8080}
api=${API_URL:-http://localhost:5100}
scope=${SCOPE:-read}
cache=${TOKEN_CACHE:-${XDG_RUNTIME_DIR:-$HOME}/.authcluster-token-$CLIENT_ID}

# In a line of curl's configuration a backslash and a quote are written behind a backslash.
quoted() {
  local text=${1//\\/\\\\}
  printf '%s' "${text//\"/\\\"}"
}

# Answers the token: the kept one while it has 5 minutes left, else a new one.
token() {
  local now until kept answer
  now=$(date +%s)
  if [ -r "$cache" ] && { read -r until kept < "$cache"; } && [ "$until" -gt $((now + 300)) ]; then
    echo "$kept"
    return
  fi
  # The secret goes through standard input: on the command line every user of the machine would see it.
  answer=$(printf 'data-urlencode = "client_%s"\n' "$(quoted "id=$CLIENT_ID")" "$(quoted "secret=$CLIENT_SECRET")" |
    curl -sS --fail-with-body --retry 4 --retry-max-time 30 --max-time 30 -K - \
    -d grant_type=client_credentials --data-urlencode "scope=$scope" "$issuer/oauth/token") || { echo "$answer" >&2; return 1; }
  kept=$(sed 's/.*"access_token":"\([^"]*\)".*/\1/' <<< "$answer")
  until=$((now + $(sed 's/.*"expires_in":\([0-9]*\).*/\1/' <<< "$answer")))
  printf '%s %s\n' "$until" "$kept" > "$cache.$$" && mv "$cache.$$" "$cache"
  echo "$kept"
}

call() {
  local token=$1
  printf 'header = "Authorization: Bearer %s"\n' "$token" | curl -sS --max-time 30 -K - -o "$body" -w '%{http_code}' "$api/resources"
}

body=$(mktemp)
trap 'rm -f "$body"' EXIT
held=$(token)
status=$(call "$held")
if [ "$status" = 401 ]; then # expired or revoked meanwhile: once more with a new one
  rm -f "$cache"
  held=$(token)
  status=$(call "$held")
fi
cat "$body"
echo
[ "$status" = 200 ] || { echo "The API answered $status" >&2; exit 1; }
