# Builds binaries and images from the Go module proxy and this folder. Sourced by `cluster`.
# Everything already built from the same version and source is skipped: see is_current.

build_all() { # with_kwok with_metrics, each 0 or 1
    mkdir -p "$BIN" "$IMAGES" "$CLUSTER_HOME/build"
    check_build_tools
    build_hyperkube
    build_module etcd go.etcd.io/etcd/server/v3 "$ETCD_VERSION" go.etcd.io/etcd/server/v3
    build_module coredns github.com/coredns/coredns "$COREDNS_VERSION" . "$TOOL/build/coredns/main.go"
    build_testapp
    build_pause
    [ "$1" = 0 ] || build_kwok
    [ "$2" = 0 ] || build_metrics_server
    build_images
    say "built: $(du -shc "$BIN" "$IMAGES" | tail -1 | cut -f1) in $CLUSTER_HOME, after ${SECONDS} s"
}

check_build_tools() {
    require_programs "$PACKAGES_ADVICE" gcc "$PYTHON"
    require_programs "install Go $GO_MINIMUM or later" go
    local have
    have=$(go env GOVERSION)
    [ "$(printf '%s\n' "$GO_MINIMUM" "${have#go}" | sort -V | head -1)" = "$GO_MINIMUM" ] ||
        die "Go $GO_MINIMUM or later is needed, this is $have"
}

# is_current OUTPUT VERSION SOURCE...: is OUTPUT there, built from this version and these sources?
is_current() {
    local output=$1
    [ -e "$output" ] && [ "$(build_key "${@:2}")" = "$(cat "$output.key" 2>/dev/null)" ]
}
mark_current() { build_key "${@:2}" >"$1.key"; }
build_key() { # VERSION SOURCE...
    echo "$1 $(cat "${@:2}" </dev/null | sha256sum | cut -c1-16)"
}

# -mod=mod lets go write the generated go.mod; static binaries run in an image that holds nothing else
go_build() { # OUTPUT PACKAGE [LDFLAGS]
    CGO_ENABLED=0 quietly go build -mod=mod -buildvcs=false -trimpath -ldflags "-s -w ${3:-}" -o "$1" "$2"
}

new_module() { # NAME: an empty Go module in a folder of that name, which becomes the working directory
    local folder=$CLUSTER_HOME/build/$1
    rm -rf "$folder"
    mkdir -p "$folder"
    cd "$folder" || return
    quietly go mod init "munshi.local/$1"
}

module_folder() { # MODULE VERSION: where the module cache holds it
    go mod download -json "$1@v$2" | "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["Dir"])'
}

# build_module NAME MODULE VERSION PACKAGE [MAIN.go]: one program of a published module, or our own
# main package on top of it
build_module() (
    name=$1 module=$2 version=$3 package=$4 main=${5:-}
    ! is_current "$BIN/$name" "$version" ${main:+"$main"} || exit 0
    say "building $name $version"
    new_module "$name"
    [ -z "$main" ] || cp "$main" .
    quietly go get "$module@v$version"
    go_build "$BIN/$name" "$package"
    mark_current "$BIN/$name" "$version" ${main:+"$main"}
)

# Kubernetes keeps its libraries in the same repository and replaces them by local folders. The same
# libraries are published as k8s.io/* with version 0.MINOR.PATCH, so each replace becomes a version.
build_hyperkube() (
    version=$KUBERNETES_VERSION main=$TOOL/build/hyperkube/main.go
    link_components
    ! is_current "$BIN/hyperkube" "$version" "$main" || exit 0
    say "building hyperkube $version"
    source=$(cd / && module_folder k8s.io/kubernetes "$version")
    new_module hyperkube
    cp "$main" .
    for library in $(awk '$2 == "=>" && $3 ~ /^\.\/staging\// { print $1 }' "$source/go.mod"); do
        go mod edit -replace "$library=$library@v0.${version#1.}"
    done
    go mod edit -require "k8s.io/kubernetes@v$version"
    go_build "$BIN/hyperkube" . "$(version_flags)"
    mark_current "$BIN/hyperkube" "$version" "$main"
)

link_components() {
    local component
    for component in $COMPONENTS; do ln -sfn hyperkube "$BIN/$component"; done
}

# A component without a version says v0.0.0-master, and clients then misjudge what the server can do.
version_flags() {
    local package flags=
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        flags+=" -X $package.gitVersion=v$KUBERNETES_VERSION"
        flags+=" -X $package.gitMajor=1 -X $package.gitMinor=$(cut -d. -f2 <<<"$KUBERNETES_VERSION")"
        flags+=" -X $package.gitCommit=none -X $package.gitTreeState=clean"
        flags+=" -X $package.buildDate=1970-01-01T00:00:00Z"
    done
    echo "$flags"
}

# KWOK's behaviour is written in Stage files; those that make nodes and pods ready at once are taken
# from the module itself.
build_kwok() (
    build_module kwok sigs.k8s.io/kwok "$KWOK_VERSION" sigs.k8s.io/kwok/cmd/kwok
    stages=$(cd / && module_folder sigs.k8s.io/kwok "$KWOK_VERSION")/kustomize/stage
    for stage in node/fast/node-initialize node/heartbeat-with-lease/node-heartbeat-with-lease \
        pod/fast/pod-ready pod/fast/pod-complete pod/fast/pod-delete; do
        echo ---
        cat "$stages/$stage.yaml"
    done >"$BIN/kwok-stages.yaml"
)

build_metrics_server() {
    build_module metrics-server sigs.k8s.io/metrics-server "$METRICS_SERVER_VERSION" \
        sigs.k8s.io/metrics-server/cmd/metrics-server
}

build_testapp() (
    main=$TOOL/build/testapp/main.go
    ! is_current "$BIN/testapp" own "$main" || exit 0
    say "building testapp"
    new_module testapp
    cp "$main" .
    go_build "$BIN/testapp" .
    mark_current "$BIN/testapp" own "$main"
)

build_pause() {
    local source=$TOOL/build/pause/pause.c
    ! is_current "$BIN/pause" "$PAUSE_VERSION" "$source" || return 0
    gcc -Os -static -s -Wall -Wextra -o "$BIN/pause" "$source"
    mark_current "$BIN/pause" "$PAUSE_VERSION" "$source"
}

# images/node/ holds what every node loads when it starts; images/ what is loaded on demand
build_images() {
    mkdir -p "$IMAGES/node"
    local version
    program_image "$IMAGES/node/pause.tar" pause "$PAUSE_VERSION"
    program_image "$IMAGES/node/coredns.tar" coredns "$COREDNS_VERSION"
    for version in $TESTAPP_VERSIONS; do
        program_image "$IMAGES/testapp-$version.tar" testapp "$version" --env "APP_VERSION=$version"
    done
    [ ! -e "$BIN/metrics-server" ] ||
        program_image "$IMAGES/metrics-server.tar" metrics-server "$METRICS_SERVER_VERSION"
}

# program_image OUTPUT PROGRAM TAG [OPTION...]: an image that holds one static program
program_image() {
    local output=$1 program=$2 tag=$3
    ! is_current "$output" "$IMAGE_PREFIX:$tag" "$BIN/$program.key" "$TOOL/build/image.py" || return 0
    "$PYTHON" "$TOOL/build/image.py" "$output" "$IMAGE_PREFIX/$program:$tag" \
        --file "$BIN/$program=/$program" --entrypoint "/$program" "${@:4}"
    mark_current "$output" "$IMAGE_PREFIX:$tag" "$BIN/$program.key" "$TOOL/build/image.py"
}
