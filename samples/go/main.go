// Usage: CLIENT_ID=… CLIENT_SECRET=… go run .
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tokens := &TokenSource{
		URL:      env("AUTH_ISSUER", "http://localhost:8080") + "/oauth/token",
		ClientID: os.Getenv("CLIENT_ID"),
		secret:   os.Getenv("CLIENT_SECRET"),
		Scope:    "read",
		HTTP:     &http.Client{Timeout: 10 * time.Second},
	}

	// Ten calls at once, one token request.
	var group sync.WaitGroup
	errs := make([]error, 10)
	names := make([][]string, 10)
	for i := range errs {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			names[i], errs[i] = list(ctx, tokens)
		}(i)
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	for _, name := range names[0] {
		fmt.Println("-", name)
	}
	fmt.Printf("%d calls, %d token request\n", len(names), tokens.Requests)
	return nil
}

func list(ctx context.Context, tokens *TokenSource) ([]string, error) {
	response, err := tokens.Get(ctx, env("API_URL", "http://localhost:5100")+"/resources")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the API answered %s", response.Status)
	}
	var names []string
	err = json.NewDecoder(response.Body).Decode(&names)
	return names, err
}

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
