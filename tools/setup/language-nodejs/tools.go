//go:build tools

// Package languagenodejs names the command that set-up builds, so that `go mod tidy` keeps what it needs.
package languagenodejs

import (
	_ "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs"
)
