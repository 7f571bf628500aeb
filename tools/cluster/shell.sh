# Paths and a few functions for every part. Sourced by bash; TOOL, this folder, is set by whoever sources it.
. "$TOOL/versions"

# A folder for each version: another one is built beside it, not over it.
CLUSTER_HOME=$(realpath -m "${CLUSTER_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/munshi/cluster/$KUBERNETES_VERSION}")
BIN=${CLUSTER_BIN:-$CLUSTER_HOME/bin}      # CLUSTER_BIN: use what another user has built
IMAGES=$CLUSTER_HOME/images
PYTHON=${PYTHON:-python3}
PACKAGES_ADVICE="on Debian: tools/system-packages cluster"
COMPONENTS="kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl"

say() { echo "cluster: $*" >&2; }
die() { say "$*"; exit 1; }

# wait_until SECONDS COMMAND...: run COMMAND ten times a second until it succeeds
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.1
    done
}

seconds_since() { LC_ALL=C awk -v began="$1" -v now="$EPOCHREALTIME" 'BEGIN { printf "%.1f", now - began }'; }

# quietly COMMAND...: its output is shown only if it fails
quietly() {
    local output
    output=$("$@" 2>&1) || { echo "$output" >&2; return 1; }
}

# render FILE: the file with each @NAME@ replaced by the shell variable NAME
render() {
    local text name
    text=$(cat "$1")
    while [[ $text =~ @([A-Z_]+)@ ]]; do
        name=${BASH_REMATCH[1]}
        text=${text//"@$name@"/"${!name}"}
    done
    echo "$text"
}

# A process id is used again one day, a process id with its start time is not. Fails for a zombie.
process_identity() { # PID
    local pid=$1 stat
    stat=$(cat "/proc/$pid/stat" 2>/dev/null) || return 1
    # shellcheck disable=SC2086  # words, on purpose
    set -- ${stat##*) }       # what follows the command name, which may hold blanks: state, parent, ...
    [ "$1" != Z ] || return 1
    echo "$pid ${20}"         # field 22 of the whole line
}

# Fails, saying what to do, if a program is missing.
require_programs() { # ADVICE PROGRAM...
    local advice=$1 program missing=
    shift
    for program in "$@"; do
        command -v "$program" >/dev/null || [ -x "$program" ] || missing="$missing $program"
    done
    [ -z "$missing" ] || die "missing:$missing; $advice"
}
