package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	codegen "github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	// Exit code of an executor that has told the user what is wrong.
	toldExitCode = 32
	// What a program has between the interrupt and its end.
	interruptGrace = 5 * time.Second
)

// languageHost answers what the engine asks of a program in Python.
type languageHost struct {
	pulumirpc.UnimplementedLanguageRuntimeServer

	// host:port; it may also come later, with a handshake.
	engineAddress string
	// Path of pulumi-language-python-exec.
	executor string
	tracing  string
	// Ends when the host does.
	running context.Context
	stop    context.CancelFunc
}

func (host *languageHost) Handshake(
	_ context.Context, request *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	host.engineAddress = request.EngineAddress
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (host *languageHost) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version}, nil
}

func (host *languageHost) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	host.stop()
	return &emptypb.Empty{}, nil
}

// Run runs a program to its end. What goes wrong is an answer, which the engine shows as the error of the program.
func (host *languageHost) Run(ctx context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	if request.AttachDebugger {
		return &pulumirpc.RunResponse{Error: "the stand-in of the Python language host attaches no debugger: install the official Pulumi"}, nil
	}
	python, options, err := toolchainOf(request.Info)
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(request.Config)
	if err != nil {
		return nil, err
	}
	secretKeys, err := json.Marshal(request.ConfigSecretKeys)
	if err != nil {
		return nil, err
	}
	ctx, cancel := host.untilEnd(ctx)
	defer cancel()
	command, err := python.Command(ctx, append([]string{"-u", host.executor}, host.arguments(request)...)...)
	if err != nil {
		return &pulumirpc.RunResponse{Error: err.Error()}, nil
	}
	if err := python.ValidateVenv(ctx); err != nil {
		return &pulumirpc.RunResponse{Error: err.Error()}, nil
	}
	environment := command.Env
	if environment == nil {
		environment = os.Environ()
	}
	if folder, err := python.VirtualEnvPath(ctx); err == nil && folder != "" {
		environment = toolchain.ActivateVirtualEnv(environment, folder)
	}
	command.Dir = options.ProgramDir
	command.Env = append(environment, "PULUMI_CONFIG="+string(config), "PULUMI_CONFIG_SECRET_KEYS="+string(secretKeys))
	command.Stdout = os.Stdout
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = interruptGrace
	err = command.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}, nil
	case errors.As(err, &exit) && exit.ExitCode() == toldExitCode:
		return &pulumirpc.RunResponse{Bail: true}, nil
	case errors.As(err, &exit):
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("Program exited with non-zero exit code: %d", exit.ExitCode())}, nil
	default:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program could not be run: %v", err)}, nil
	}
}

// arguments are those of the executor.
func (host *languageHost) arguments(request *pulumirpc.RunRequest) []string {
	var arguments []string
	add := func(name, value string) {
		if value != "" {
			arguments = append(arguments, "--"+name, value)
		}
	}
	add("monitor", request.MonitorAddress)
	add("engine", host.engineAddress)
	add("organization", request.Organization)
	add("project", request.Project)
	add("root_directory", request.Info.RootDirectory)
	add("stack", request.Stack)
	add("pwd", request.Pwd)
	add("dry_run", fmt.Sprintf("%v", request.DryRun))
	add("parallel", fmt.Sprint(request.Parallel))
	add("tracing", host.tracing)
	program := request.Info.EntryPoint
	if program == "" {
		program = "."
	}
	return append(append(arguments, program), request.Args...)
}

// findPlugins prints pulumi-plugin.json of each installed package that has one.
const findPlugins = `
import importlib.metadata, json
found = []
for distribution in importlib.metadata.distributions():
    for file in distribution.files or []:
        if file.name == "pulumi-plugin.json":
            try:
                found.append(json.loads(file.read_text()))
            except (OSError, ValueError):
                pass
print(json.dumps(found))
`

// GetRequiredPackages tells the engine the plugins of the packages that are installed for a program.
func (host *languageHost) GetRequiredPackages(
	ctx context.Context, request *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	python, _, err := toolchainOf(request.Info)
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GetRequiredPackagesResponse{}
	if python.ValidateVenv(ctx) != nil {
		// Nothing is installed yet, which the run will say.
		return response, nil
	}
	command, err := python.Command(ctx, "-c", findPlugins)
	if err != nil {
		return nil, err
	}
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("the packages of %s could not be listed: %w", request.Info.ProgramDirectory, err)
	}
	var found []plugin.PulumiPluginJSON
	if err := json.Unmarshal(output, &found); err != nil {
		return nil, err
	}
	for _, entry := range found {
		if entry.Resource && entry.Name != "" {
			response.Packages = append(response.Packages, &pulumirpc.PackageDependency{
				Name: entry.Name, Kind: "resource", Version: entry.Version, Server: entry.Server,
			})
		}
	}
	return response, nil
}

func (host *languageHost) InstallDependencies(
	request *pulumirpc.InstallDependenciesRequest, server pulumirpc.LanguageRuntime_InstallDependenciesServer,
) error {
	python, options, err := toolchainOf(request.Info)
	if err != nil {
		return err
	}
	closer, stdout, stderr, err := rpcutil.MakeInstallDependenciesStreams(server, request.IsTerminal)
	if err != nil {
		return err
	}
	defer closer.Close()
	ctx, cancel := host.untilEnd(server.Context())
	defer cancel()
	return python.InstallDependencies(ctx, options.ProgramDir, request.UseLanguageVersionTools, true, stdout, stderr)
}

// GeneratePackage writes an SDK for Python, as `pulumi package add` wants it.
func (host *languageHost) GeneratePackage(
	_ context.Context, request *pulumirpc.GeneratePackageRequest,
) (*pulumirpc.GeneratePackageResponse, error) {
	loader, err := schema.NewLoaderClient(request.LoaderTarget)
	if err != nil {
		return nil, err
	}
	defer loader.Close()
	var spec schema.PackageSpec
	if err := json.Unmarshal([]byte(request.Schema), &spec); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "the schema is no JSON of a package: %v", err)
	}
	cached := schema.NewCachedLoader(loader)
	bound, diagnostics, err := schema.BindSpec(spec, cached, schema.ValidationOptions{AllowDanglingReferences: true})
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GeneratePackageResponse{Diagnostics: plugin.HclDiagnosticsToRPCDiagnostics(diagnostics)}
	if diagnostics.HasErrors() {
		return response, nil
	}
	if request.Local {
		bound.SupportPack = true
	}
	files, err := codegen.GeneratePackage("pulumi-language-python", bound, request.ExtraFiles, cached)
	if err != nil {
		return nil, err
	}
	for name, content := range files {
		file := filepath.Join(request.Directory, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return nil, err
		}
	}
	return response, nil
}

// Link enters SDKs that were made in the list of what a program needs.
func (host *languageHost) Link(ctx context.Context, request *pulumirpc.LinkRequest) (*pulumirpc.LinkResponse, error) {
	python, _, err := toolchainOf(request.Info)
	if err != nil {
		return nil, err
	}
	paths := map[string]string{}
	var imports []string
	for _, dependency := range request.Packages {
		name, err := importName(filepath.Join(request.Info.ProgramDirectory, dependency.Path))
		if err != nil {
			return nil, err
		}
		paths[name] = dependency.Path
		imports = append(imports, fmt.Sprintf("  import %s as %s", name, strings.ReplaceAll(dependency.Package.Name, "-", "_")))
	}
	if err := python.LinkPackages(ctx, paths); err != nil {
		return nil, err
	}
	return &pulumirpc.LinkResponse{
		ImportInstructions: "You can import the SDK in your Python code with:\n\n" + strings.Join(imports, "\n") + "\n",
	}, nil
}

// importName is the name of the Python package that an SDK in a folder has: the folder with the plugin's description.
func importName(directory string) (string, error) {
	found, err := filepath.Glob(filepath.Join(directory, "*", "pulumi-plugin.json"))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%s has %d Python packages with a pulumi-plugin.json: one is needed", directory, len(found))
	}
	return filepath.Base(filepath.Dir(found[0])), nil
}

func (host *languageHost) About(
	ctx context.Context, request *pulumirpc.AboutRequest,
) (*pulumirpc.AboutResponse, error) {
	python, _, err := toolchainOf(request.Info)
	if err != nil {
		return nil, err
	}
	info, err := python.About(ctx)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.AboutResponse{Executable: info.PythonExecutable, Version: info.PythonVersion.String()}, nil
}

func (host *languageHost) GetProgramDependencies(
	ctx context.Context, request *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	python, _, err := toolchainOf(request.Info)
	if err != nil {
		return nil, err
	}
	packages, err := python.ListPackages(ctx, request.TransitiveDependencies)
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GetProgramDependenciesResponse{}
	for _, entry := range packages {
		response.Dependencies = append(response.Dependencies, &pulumirpc.DependencyInfo{Name: entry.Name, Version: entry.Version})
	}
	return response, nil
}

// untilEnd is a context of a call that ends with the host too.
func (host *languageHost) untilEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	context.AfterFunc(host.running, cancel)
	return ctx, cancel
}

// toolchainOf reads what Pulumi.yaml says of the runtime.
func toolchainOf(info *pulumirpc.ProgramInfo) (toolchain.Toolchain, toolchain.PythonOptions, error) {
	options := toolchain.PythonOptions{}
	if info == nil {
		return nil, options, status.Error(codes.InvalidArgument, "the request names no program")
	}
	options.Root = info.RootDirectory
	options.ProgramDir = info.ProgramDirectory
	told := info.Options.AsMap()
	if value, there := told["virtualenv"]; there {
		name, isText := value.(string)
		if !isText {
			return nil, options, status.Error(codes.InvalidArgument, "virtualenv option must be a string")
		}
		options.Virtualenv = name
	}
	switch value := told["toolchain"]; value {
	case nil:
		options.Toolchain = toolchain.Auto
	case "pip":
		options.Toolchain = toolchain.Pip
	case "poetry":
		options.Toolchain = toolchain.Poetry
	case "uv":
		options.Toolchain = toolchain.Uv
	default:
		return nil, options, status.Errorf(codes.InvalidArgument,
			"toolchain option must be one of pip, poetry or uv, got %v", value)
	}
	if _, there := told["typechecker"]; there {
		return nil, options, status.Error(codes.Unimplemented, "typechecker")
	}
	resolved, err := toolchain.ResolveToolchain(options)
	return resolved, options, err
}
