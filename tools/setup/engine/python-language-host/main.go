// Stands in for Pulumi's language host of Python where the official one cannot be had: set-up builds it from the Go
// modules of the engine. It runs programs by Pulumi's own executor, and installs packages and makes SDKs by Pulumi's own
// code; only what holds these together is written here.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/logging"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The linker sets it.
var version string

// How often the engine is asked whether it is still there: a host without an engine ends.
const engineCheckInterval = 5 * time.Second

func main() {
	showVersion := flag.Bool("version", false, "print the version")
	tracing := flag.String("tracing", "", "where spans go to")
	flag.String("root", "", "taken for the engine's sake")
	flag.Parse()
	if *showVersion {
		fmt.Println(version)
		return
	}
	logging.InitLogging(false, 0, false)
	if err := serve(flag.Arg(0), *tracing); err != nil {
		fmt.Fprintf(os.Stderr, "pulumi-language-python: %v\n", err)
		os.Exit(1)
	}
}

// serve answers the engine until it is gone.
func serve(engineAddress, tracing string) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	executor := filepath.Join(filepath.Dir(executable), "pulumi-language-python-exec")
	if _, err := os.Stat(executor); err != nil {
		return fmt.Errorf("the executor is missing: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	end := make(chan bool)
	go func() {
		<-ctx.Done()
		close(end)
	}()
	if engineAddress != "" {
		if err := rpcutil.Healthcheck(ctx, engineAddress, engineCheckInterval, cancel); err != nil {
			return fmt.Errorf("the engine at %s: %w", engineAddress, err)
		}
	}
	host := &languageHost{engineAddress: engineAddress, executor: executor, tracing: tracing, running: ctx, stop: cancel}
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel:  end,
		Options: []grpc.ServerOption{grpc.UnaryInterceptor(nameStandIn), grpc.StreamInterceptor(nameStandInOfStream)},
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, host)
			return nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Printf("%d\n", handle.Port)
	return <-handle.Done
}

// nameStandIn says of a call that is not answered here who does answer it.
func nameStandIn(
	ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler,
) (any, error) {
	response, err := handler(ctx, request)
	return response, explain(err, info.FullMethod)
}

func nameStandInOfStream(
	service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler,
) error {
	return explain(handler(service, stream), info.FullMethod)
}

func explain(err error, method string) error {
	if status.Code(err) != codes.Unimplemented {
		return err
	}
	return status.Errorf(codes.Unimplemented,
		"this stand-in of the Python language host does not answer %s; the official one does: install Pulumi "+
			"(https://www.pulumi.com/docs/install/), so that \"pulumi\" and \"pulumi-language-python\" are on PATH", method)
}
