# Starts etcd and the Kubernetes control plane. Sourced by control-plane/run (a control plane alone)
# and by node/init (inside the node), which set:
#   BIN STATE        binaries; the cluster's folder with pki/, data/, log/
#   LISTEN ADVERTISE address the API server listens on, and the one it gives to others
#   API_PORT ETCD_PORT ETCD_PEER_PORT CONTROLLER_PORT SCHEDULER_PORT
#   SERVICE_NET POD_NET

PKI=$STATE/pki

# start NAME COMMAND...: in the background, with a log. The kernel kills it when this shell ends
# (--pdeathsig), so nothing outlives the cluster, even if this shell is killed.
declare -A PROCESSES
start() {
    local name=$1
    shift
    setpriv --pdeathsig KILL "$@" >>"$STATE/log/$name.log" 2>&1 &
    PROCESSES[$name]=$!
}

start_control_plane() {
    start_etcd
    start_api_server
    wait_until 60 "$BIN/kubectl" --kubeconfig "$PKI/admin-local.kubeconfig" get --raw /readyz
    start_controller_manager
    start_scheduler
}

start_etcd() {
    local options=(
        --name cluster
        --data-dir "$STATE/data/etcd"
        --listen-client-urls "https://127.0.0.1:$ETCD_PORT"
        --advertise-client-urls "https://127.0.0.1:$ETCD_PORT"
        --listen-peer-urls "https://127.0.0.1:$ETCD_PEER_PORT"
        --initial-advertise-peer-urls "https://127.0.0.1:$ETCD_PEER_PORT"
        --initial-cluster "cluster=https://127.0.0.1:$ETCD_PEER_PORT"
        --client-cert-auth --trusted-ca-file "$PKI/etcd-ca.crt"
        --cert-file "$PKI/etcd.crt" --key-file "$PKI/etcd.key"
        --peer-client-cert-auth --peer-trusted-ca-file "$PKI/etcd-ca.crt"
        --peer-cert-file "$PKI/etcd.crt" --peer-key-file "$PKI/etcd.key"
        --unsafe-no-fsync               # the data is thrown away anyway; makes a slow disk harmless
    )
    start etcd "$BIN/etcd" "${options[@]}"
}

start_api_server() {
    local options=(
        --bind-address="$LISTEN"
        --secure-port="$API_PORT"
        --advertise-address="$ADVERTISE"
        --service-cluster-ip-range="$SERVICE_NET"
        --tls-cert-file="$PKI/apiserver.crt"
        --tls-private-key-file="$PKI/apiserver.key"
        --client-ca-file="$PKI/ca.crt"
        --anonymous-auth=false
        --authorization-mode=Node,RBAC
        --enable-admission-plugins=NodeRestriction
        --allow-privileged=true         # Pod Security decides about it, per namespace
        --etcd-servers="https://127.0.0.1:$ETCD_PORT"
        --etcd-cafile="$PKI/etcd-ca.crt"
        --etcd-certfile="$PKI/apiserver-to-etcd.crt"
        --etcd-keyfile="$PKI/apiserver-to-etcd.key"
        --kubelet-certificate-authority="$PKI/ca.crt"
        --kubelet-client-certificate="$PKI/apiserver-to-kubelet.crt"
        --kubelet-client-key="$PKI/apiserver-to-kubelet.key"
        --kubelet-preferred-address-types=InternalIP
        --service-account-issuer=https://kubernetes.default.svc.cluster.local
        --service-account-key-file="$PKI/service-account.pub"
        --service-account-signing-key-file="$PKI/service-account.key"
        # extension API servers, e.g. metrics-server
        --proxy-client-cert-file="$PKI/front-proxy-client.crt"
        --proxy-client-key-file="$PKI/front-proxy-client.key"
        --requestheader-client-ca-file="$PKI/front-proxy-ca.crt"
        --requestheader-allowed-names=front-proxy-client
        --requestheader-username-headers=X-Remote-User
        --requestheader-group-headers=X-Remote-Group
        --requestheader-extra-headers-prefix=X-Remote-Extra-
        --enable-aggregator-routing=true
    )
    start kube-apiserver "$BIN/kube-apiserver" "${options[@]}"
}

# As after a crash. Tells by a file when it answers again; the other components find it by themselves.
restart_api_server() {
    kill -KILL "${PROCESSES[kube-apiserver]}" || true
    wait "${PROCESSES[kube-apiserver]}" || true
    start_api_server
    wait_until 60 "$BIN/kubectl" --kubeconfig "$PKI/admin-local.kubeconfig" get --raw /readyz || true
    rm "$STATE/restarting"
}

start_controller_manager() {
    local options=(
        --kubeconfig="$PKI/controller-manager.kubeconfig"
        --authentication-kubeconfig="$PKI/controller-manager.kubeconfig"
        --authorization-kubeconfig="$PKI/controller-manager.kubeconfig"
        --bind-address=127.0.0.1
        --secure-port="$CONTROLLER_PORT"
        --tls-cert-file="$PKI/component-serving.crt"
        --tls-private-key-file="$PKI/component-serving.key"
        --service-account-private-key-file="$PKI/service-account.key"
        --use-service-account-credentials=true
        --root-ca-file="$PKI/ca.crt"
        --cluster-signing-cert-file="$PKI/ca.crt"
        --cluster-signing-key-file="$PKI/ca.key"
        --allocate-node-cidrs=true
        --cluster-cidr="$POD_NET"
        --service-cluster-ip-range="$SERVICE_NET"
        --leader-elect=false            # there is one; saves the wait for a lease
        --kube-api-qps=300 --kube-api-burst=600
        # autoscaling that a test can wait for: the defaults are 15 s, 5 min, 30 s and 5 min
        --horizontal-pod-autoscaler-sync-period=5s
        --horizontal-pod-autoscaler-cpu-initialization-period=10s
        --horizontal-pod-autoscaler-initial-readiness-delay=5s
        --horizontal-pod-autoscaler-downscale-stabilization=20s
    )
    start kube-controller-manager "$BIN/kube-controller-manager" "${options[@]}"
}

start_scheduler() {
    local options=(
        --kubeconfig="$PKI/scheduler.kubeconfig"
        --authentication-kubeconfig="$PKI/scheduler.kubeconfig"
        --authorization-kubeconfig="$PKI/scheduler.kubeconfig"
        --bind-address=127.0.0.1
        --secure-port="$SCHEDULER_PORT"
        --tls-cert-file="$PKI/component-serving.crt"
        --tls-private-key-file="$PKI/component-serving.key"
        --leader-elect=false
        --kube-api-qps=300 --kube-api-burst=600
    )
    start kube-scheduler "$BIN/kube-scheduler" "${options[@]}"
}

# Only nodes that carry the annotation are KWOK's; a real node beside them stays the kubelet's.
start_kwok() {
    local options=(
        --kubeconfig="$PKI/admin-local.kubeconfig"
        --config="$BIN/kwok-stages.yaml"
        --manage-all-nodes=false
        --manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake
        --node-lease-duration-seconds=40
    )
    start kwok "$BIN/kwok" "${options[@]}"
}
