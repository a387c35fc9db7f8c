// Verifies the token in TOKEN by the functions of docs/using-tokens.md.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
)

func main() {
	ctx := context.Background()
	verifier, err := NewVerifier(ctx, os.Getenv("ISSUER"), os.Getenv("AUDIENCE"))
	if err != nil {
		log.Fatal(err)
	}
	answer := map[string]interface{}{}
	token, err := Verify(ctx, verifier, os.Getenv("TOKEN"))
	if err != nil {
		answer["error"] = err.Error()
	} else {
		claims := map[string]interface{}{}
		if err := token.Claims(&claims); err != nil {
			log.Fatal(err)
		}
		answer["claims"] = claims
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		log.Fatal(err)
	}
}
