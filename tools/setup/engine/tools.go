//go:build tools

// Package engine names the commands that set-up builds, so that `go mod tidy` keeps what they need. The one beside it,
// python-language-host, is this repository's own.
package engine

import (
	_ "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml"
	_ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
)
