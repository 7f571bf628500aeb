# A control plane on the loopback address, with the caller's rights: for tests of API objects, CRDs,
# admission, RBAC and controllers. Sourced by `cluster`.

control_plane_up() {
    INDEX=${INDEX:-$(free_control_plane_index)}
    set_control_plane_ports "$INDEX"
    "$PYTHON" "$TOOL/control-plane/pki.py" "$STATE/pki" --node none \
        --server "https://127.0.0.1:$API_PORT" --ip 10.96.0.1
    # An endpoint may not be a loopback address, so the kubernetes service gets one from the range
    # that is kept for documentation (RFC 5737). Nothing connects to it.
    export TOOL STATE FAKE_NODES
    CLUSTER_HOME=$CLUSTER_HOME CLUSTER_BIN=$BIN \
        LISTEN=127.0.0.1 ADVERTISE=198.51.100.1 SERVICE_NET=10.96.0.0/16 POD_NET=10.244.0.0/16 \
        setsid "$TOOL/control-plane/run" </dev/null >"$STATE/log/run.log" 2>&1 9>&- &
    remember_leader $!
    wait_for_api
    wait_until 30 kubectl get serviceaccount default    # the controllers work; pods can be created
}

set_control_plane_ports() { # INDEX
    local base=$((16440 + 10 * $1))
    export API_PORT=$base ETCD_PORT=$((base + 1)) ETCD_PEER_PORT=$((base + 2))
    export CONTROLLER_PORT=$((base + 3)) SCHEDULER_PORT=$((base + 4))
}

free_control_plane_index() {
    local index
    for index in {0..9}; do
        set_control_plane_ports "$index"
        if ! port_answers "$API_PORT" && ! port_answers "$ETCD_PORT"; then
            echo "$index"
            return
        fi
    done
    die "ten control planes are running"
}
# Kills the API server of either form; its starter brings it back.
restart_api() {
    local began=$EPOCHREALTIME starter
    if [ "$(cat "$STATE/mode")" = node ]; then starter=$(init_pid); else starter=$(leader); fi
    touch "$STATE/restarting"
    kill -USR1 "$starter"
    wait_until 70 not test -e "$STATE/restarting" || die "the API server does not come back"
    say "$NAME restarted its API server in $(seconds_since "$began") s"
}

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

control_plane_stop() {
    kill -TERM "$(leader)"
    wait_until 10 not is_up && return
    kill -KILL "$(leader)"                 # its components get KILL from the kernel
    wait_until 5 not is_up
}
not() { ! "$@"; }
