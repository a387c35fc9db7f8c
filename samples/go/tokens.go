package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A quota may be spent for weeks: what must wait longer than this is told, not waited for.
const longestWait = 10 * time.Second

// TokenSource keeps the token of one client: renewed before it ends, one request however many goroutines wait.
type TokenSource struct {
	URL, ClientID, Scope string
	secret               string // lower case: neither JSON nor another package prints it
	HTTP                 *http.Client

	mu                 sync.Mutex
	token              string
	renewAt, expiresAt time.Time
	Requests           int
}

// Token answers a token that is valid now.
func (s *TokenSource) Token(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.token != "" && now.Before(s.renewAt) {
		return s.token, nil
	}
	usable := s.token != "" && now.Before(s.expiresAt)
	retries := 4
	if usable {
		retries = 0 // whoever has a good token waits for no retry
	}
	token, lifetime, err := s.request(ctx, retries)
	if err != nil {
		if usable {
			s.renewAt = time.Now().Add(30 * time.Second) // the server is down: the old token is good for a while
			return s.token, nil
		}
		return "", err
	}
	ahead := lifetime / 5
	if ahead > 5*time.Minute {
		ahead = 5 * time.Minute
	}
	ahead += time.Duration(rand.Int63n(int64(ahead)/5 + 1)) // jitter: a fleet must not renew at once
	s.token, s.renewAt, s.expiresAt = token, now.Add(lifetime-ahead), now.Add(lifetime-5*time.Second)
	return token, nil
}

// Invalidate drops a token that an API has refused, unless another goroutine has replaced it already.
func (s *TokenSource) Invalidate(refused string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == refused {
		s.token = ""
	}
}

// Get calls an API; after a 401 once more, with a new token.
func (s *TokenSource) Get(ctx context.Context, address string) (*http.Response, error) {
	for attempt := 0; ; attempt++ {
		token, err := s.Token(ctx)
		if err != nil {
			return nil, err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := s.HTTP.Do(request)
		if err != nil || response.StatusCode != http.StatusUnauthorized || attempt == 1 {
			return response, err
		}
		response.Body.Close()
		s.Invalidate(token)
	}
}

func (s *TokenSource) request(ctx context.Context, retries int) (string, time.Duration, error) {
	s.Requests++
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {s.Scope}}.Encode()
	for attempt := 0; ; attempt++ {
		token, lifetime, wait, err := s.post(ctx, form)
		if err == nil || wait < 0 || wait > longestWait || attempt == retries {
			return token, lifetime, err
		}
		if wait == 0 {
			wait = 250 * time.Millisecond << attempt
		}
		select {
		case <-time.After(wait + time.Duration(rand.Int63n(int64(wait)/5+1))):
		case <-ctx.Done():
			return "", 0, ctx.Err()
		}
	}
}

// post makes one attempt; a wait below zero means that another would end the same.
func (s *TokenSource) post(ctx context.Context, form string) (token string, lifetime, wait time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, strings.NewReader(form))
	if err != nil {
		return "", 0, -1, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(s.ClientID), url.QueryEscape(s.secret)) // RFC 6749 section 2.3.1
	response, err := s.HTTP.Do(request)
	if err != nil {
		return "", 0, 0, err
	}
	defer response.Body.Close()

	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		Error       string `json:"error"`
	}
	decoded := json.NewDecoder(response.Body).Decode(&answer)
	if response.StatusCode == http.StatusOK {
		return answer.AccessToken, time.Duration(answer.ExpiresIn) * time.Second, 0, decoded
	}
	err = fmt.Errorf("token request failed: %s %s", response.Status, answer.Error)
	if response.StatusCode != http.StatusTooManyRequests && response.StatusCode < 500 {
		return "", 0, -1, err
	}
	seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
	return "", 0, time.Duration(seconds) * time.Second, err
}
