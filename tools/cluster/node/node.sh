# The host's side of a real node: cgroup, virtual cable, leading process. Sourced by `cluster`.
# The inside is node/init. What is done here on the host:
#   - a cgroup munshi-cluster-NAME per controller
#   - one end of a virtual cable, munshi<INDEX>h, with two routes through it
# Both go in `down`; the cable goes by itself when the node ends.

INSIDE=/run/cluster          # where node/init mounts this tool's folders inside the node

node_up() {
    INDEX=${INDEX:-$(free_node_index)}
    echo "$INDEX" >"$STATE/index"
    set_node_addresses "$INDEX"
    echo "$NODE" >"$STATE/node"
    "$PYTHON" "$TOOL/control-plane/pki.py" "$STATE/pki" --node "$NODE" --server "https://$NODE_IP:6443" \
        --local-server https://127.0.0.1:6443 --ip "$NODE_IP" --ip "$API_SERVICE_IP"
    write_node_configuration
    create_cgroups
    start_node
    connect_node
    wait_for_api
    apply_manifest coredns
    [ "$METRICS" = 0 ] || add_metrics_server
    wait_until 60 kubectl get node "$NODE"
    kubectl wait --for=condition=Ready "node/$NODE" --timeout=60s >/dev/null
    kubectl -n kube-system rollout status deployment --timeout=90s >/dev/null
}

check_node_tools() {
    [ "$(id -u)" = 0 ] || die "a node needs root; --control-plane-only does not"
    require_programs "$PACKAGES_ADVICE" containerd ctr runc ip nft iptables nsenter unshare setpriv findmnt \
        pgrep /usr/lib/cni/ptp
    cgroup_folders | grep -q memory || die "a node needs cgroup v1, this machine has v2: see tools/cluster/README.md, 'Limits'"
    unshare --mount --net --uts --ipc --cgroup --pid --fork true 2>/dev/null ||
        die "a node needs namespaces of its own, and this root may not make them"
}

# Ten clusters side by side, each with networks of its own.
set_node_addresses() { # INDEX
    NODE=$NAME-node
    HOST_LINK=munshi${1}h
    HOST_IP=10.99.$1.1
    NODE_IP=10.99.$1.2
    POD_NET=10.$((244 - $1)).0.0/16
    SERVICE_NET=10.$((96 + $1)).0.0/16
    API_SERVICE_IP=10.$((96 + $1)).0.1
    DNS_IP=10.$((96 + $1)).0.10
}

free_node_index() {
    local index
    for index in {0..9}; do
        ip link show "munshi${index}h" >/dev/null 2>&1 && continue
        [ -n "$(ip route show "10.$((96 + index)).0.0/16")" ] || { echo "$index"; return; }
    done
    die "ten nodes are running"
}

write_node_configuration() {
    mkdir -p "$STATE"/{mount,images} "$STATE"/var/{cache,tmp} "$STATE"/var/log/{pods,containers} \
        "$STATE"/var/lib/{kubelet,containerd,cni}
    chmod 1777 "$STATE/var/tmp"
    ln -s /run "$STATE/var/run"
    : >"$STATE/conf/resolv.conf"           # the node knows no name server: no pod reaches the host's
    cp "$TOOL/node/cni.json" "$STATE/conf/"
    local file
    for file in containerd.toml kubelet.yaml kube-proxy.yaml; do
        render "$TOOL/node/$file.in" >"$STATE/conf/$file"
    done
}

cgroup_folders() { findmnt --raw --noheadings --types cgroup --output TARGET; }

create_cgroups() {
    local folder file
    for folder in $(cgroup_folders); do
        mkdir -p "$folder/munshi-cluster-$NAME"
    done
    # a new cpuset is empty, and nothing can run in it until it is filled
    folder=$(cgroup_folders | grep cpuset)
    for file in cpuset.cpus cpuset.mems; do
        cat "$folder/$file" >"$folder/munshi-cluster-$NAME/$file"
    done
}

remove_cgroups() {
    local folder
    for folder in $(cgroup_folders); do
        [ ! -d "$folder/munshi-cluster-$NAME" ] ||
            find "$folder/munshi-cluster-$NAME" -depth -type d -exec rmdir {} + || return 1
    done
}

# The subshell enters the cgroup first: --cgroup then makes it the root that the node sees.
start_node() {
    (
        for folder in $(cgroup_folders); do
            echo "$BASHPID" >"$folder/munshi-cluster-$NAME/cgroup.procs"
        done
        export TOOL BIN IMAGES STATE FAKE_NODES NODE NODE_IP HOST_IP POD_NET SERVICE_NET
        CGROUPS=$(cgroup_folders | xargs -n 1 basename | xargs)
        export CGROUPS
        exec setsid unshare --mount --propagation private --net --uts --ipc --cgroup \
            --pid --fork --kill-child --mount-proc "$TOOL/node/init"
    ) </dev/null >"$STATE/log/init.log" 2>&1 9>&- &
    remember_leader $!
}

# unshare waits for its only child, which is process 1 of the node. Before it became unshare, the leader was a shell
# with short-lived children in the host's namespaces: none of those is meant.
init_pid() {
    local pid here its
    here=$(readlink /proc/self/ns/net)
    for pid in $(pgrep --parent "$(leader)"); do
        its=$(readlink "/proc/$pid/ns/net") && [ "$its" != "$here" ] && { echo "$pid"; return; }
    done
    return 1
}

connect_node() {
    wait_until 10 init_pid || die "the node did not start: $(tail -n 5 "$STATE/log/init.log")"
    ip link add "$HOST_LINK" type veth peer name eth0 netns "$(init_pid)"
    ip address add "$HOST_IP/30" dev "$HOST_LINK"
    ip link set "$HOST_LINK" up
    ip route add "$SERVICE_NET" via "$NODE_IP"
    ip route add "$POD_NET" via "$NODE_IP"
}

# Process 1 does it: see power_cut there. What the API says of the node is old until its kubelet has spoken again.
restart_node() {
    local began=$EPOCHREALTIME moment
    moment=$(date --utc +%FT%TZ)
    touch "$STATE/restarting"
    kill -USR2 "$(init_pid)"
    wait_until 90 not test -e "$STATE/restarting" || die "the node does not come back"
    wait_until 60 node_spoke_after "$moment" || die "the kubelet does not come back"
    kubectl wait --for=condition=Ready "node/$(cat "$STATE/node")" --timeout=60s >/dev/null
    say "$NAME restarted its node in $(seconds_since "$began") s"
}
node_spoke_after() { # MOMENT
    local last
    last=$(kubectl get node "$(cat "$STATE/node")" \
        -o jsonpath='{.status.conditions[?(@.type=="Ready")].lastHeartbeatTime}')
    [[ $last > $1 ]]
}

# When process 1 ends, the kernel ends everything in its pid namespace before unshare sees it end.
node_stop() {
    kill -KILL "$(init_pid)" || kill -KILL "$(leader)"
    wait_until 20 not is_up || die "the node does not end"
}

# Also right after a crash: works from what is on the machine, and does nothing if nothing is.
node_remove_traces() {
    [ -s "$STATE/index" ] || return 0
    local link
    link=munshi$(cat "$STATE/index")h
    [ -z "$(ip link show "$link" 2>/dev/null)" ] || ip link delete "$link" 2>/dev/null || true
    wait_until 10 remove_cgroups || say "cgroups munshi-cluster-$NAME could not be removed"
}

exec_in_node() {
    exec nsenter --target "$(init_pid)" --all \
        env --chdir=/ PATH="/usr/sbin:/usr/bin:/sbin:/bin:$INSIDE/bin" "$@"
}

load_images() {
    [ $# -gt 0 ] || usage
    local image
    for image in "$@"; do
        (exec_in_node ctr --namespace k8s.io images import - <"$image") >&2
    done
}

apply_manifest() { render "$TOOL/manifests/$1.yaml" | kubectl apply -f - >/dev/null; }

add_metrics_server() {
    wait_until 30 load_images "$IMAGES/metrics-server.tar"
    apply_manifest metrics-server
}
