package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// Past this the server is asked again, whatever it said.
const longestPause = time.Hour

const (
	maxAnswer       = 1 << 20        // bytes
	longestLifetime = 30 * 24 * 3600 // seconds
)

// TokenSource keeps the token of one client: renewed before it ends, one request however many goroutines wait.
type TokenSource struct {
	URL, ClientID, Scope string
	secret               string // lower case: neither JSON nor another package prints it
	HTTP                 *http.Client
	Requests             int // token requests, repeats not counted; read it when no call is under way

	once    sync.Once
	renewal chan struct{} // holds one element while a request is under way

	mu                 sync.Mutex // guards what follows, and is held for a moment only
	token              string
	renewAt, expiresAt time.Time
	failure            error
	failures           int
	askAgainAt         time.Time
}

// refusal is an answer without a token.
type refusal struct {
	text  string
	wait  time.Duration // how long the server asked to be left alone
	final bool          // another attempt would end the same
}

func (r *refusal) Error() string { return r.text }

// Token answers a token that is valid now.
func (s *TokenSource) Token(ctx context.Context) (string, error) {
	token, usable, due, err := s.present()
	if !due {
		return token, err
	}
	s.once.Do(func() { s.renewal = make(chan struct{}, 1) })
	if usable {
		select {
		case s.renewal <- struct{}{}:
		default:
			return token, nil // another goroutine is at it
		}
	} else {
		select {
		case s.renewal <- struct{}{}:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	defer func() { <-s.renewal }()
	if token, usable, due, err = s.present(); !due { // another goroutine has renewed it, or failed, meanwhile
		return token, err
	}
	return s.renew(ctx, token, usable)
}

// present answers what is held, whether it can be used, and whether a request is due.
func (s *TokenSource) present() (token string, usable, due bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	usable = s.token != "" && now.Before(s.expiresAt)
	if s.token != "" && now.Before(s.renewAt) {
		return s.token, true, false, nil
	}
	if now.Before(s.askAgainAt) { // after a failure none for a while, or a server in trouble would be asked by every call
		if usable {
			return s.token, true, false, nil
		}
		return "", false, false, s.failure
	}
	return s.token, usable, true, nil
}

func (s *TokenSource) renew(ctx context.Context, token string, usable bool) (string, error) {
	retries := 4
	if usable {
		retries = 0 // whoever has a good token waits for no retry
	}
	now := time.Now()
	fresh, lifetime, err := s.request(ctx, retries)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if ctx.Err() != nil { // this caller has given up; that says nothing of the server
			return "", ctx.Err()
		}
		longest := 5 * time.Second
		if usable {
			longest = 30 * time.Second
		}
		pause := longest
		if s.failures < 5 && time.Second<<s.failures < longest {
			pause = time.Second << s.failures
		}
		var refused *refusal
		if errors.As(err, &refused) && refused.wait > pause {
			pause = refused.wait
		}
		if pause > longestPause {
			pause = longestPause
		}
		s.failure, s.askAgainAt = err, time.Now().Add(pause)
		s.failures++
		if usable {
			return token, nil // the server is down: the old token is good for a while
		}
		return "", err
	}
	ahead := lifetime / 5
	if ahead > 5*time.Minute {
		ahead = 5 * time.Minute
	}
	ahead += time.Duration(rand.Int63n(int64(ahead)/5 + 1)) // jitter: a fleet must not renew at once
	transit := lifetime / 10
	if transit > 5*time.Second {
		transit = 5 * time.Second
	}
	s.token, s.renewAt, s.expiresAt = fresh, now.Add(lifetime-ahead), now.Add(lifetime-transit)
	s.failures, s.askAgainAt = 0, time.Time{}
	return fresh, nil
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
		token, lifetime, err := s.post(ctx, form)
		if err == nil {
			return token, lifetime, nil
		}
		wait := 250 * time.Millisecond << attempt
		var refused *refusal
		if errors.As(err, &refused) {
			if refused.final || refused.wait > longestWait {
				return "", 0, err
			}
			if refused.wait > wait {
				wait = refused.wait
			}
		}
		if attempt == retries {
			return "", 0, err
		}
		select {
		case <-time.After(wait + time.Duration(rand.Int63n(int64(wait)/5+1))):
		case <-ctx.Done():
			return "", 0, ctx.Err()
		}
	}
}

// post makes one attempt. No redirect is followed: the secret is for this address alone.
func (s *TokenSource) post(ctx context.Context, form string) (string, time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, strings.NewReader(form))
	if err != nil {
		return "", 0, &refusal{text: err.Error(), final: true}
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(s.ClientID), url.QueryEscape(s.secret)) // RFC 6749 section 2.3.1
	client := *s.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(request)
	if err != nil {
		return "", 0, err
	}
	defer response.Body.Close()

	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		Error       string `json:"error"`
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return "", 0, err
	}
	decoded := json.Unmarshal(body, &answer)
	if response.StatusCode == http.StatusOK {
		if decoded != nil || answer.AccessToken == "" || answer.ExpiresIn <= 0 || answer.ExpiresIn > longestLifetime {
			return "", 0, &refusal{text: "token request failed: the answer holds no token", final: true}
		}
		return answer.AccessToken, time.Duration(answer.ExpiresIn) * time.Second, nil
	}
	refused := &refusal{text: fmt.Sprintf("token request failed: %s %s", response.Status, answer.Error)}
	refused.final = response.StatusCode != http.StatusTooManyRequests && response.StatusCode < 500
	if seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 31); err == nil {
		refused.wait = time.Duration(seconds) * time.Second
	}
	return "", 0, refused
}
