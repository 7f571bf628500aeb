# Starts what makes a machine a node. Sourced by node/init, after control-plane/components.sh.

# Also loads the images, in the background, while the control plane starts.
start_containerd() {
    start containerd containerd --config "$STATE/conf/containerd.toml"
    {
        wait_until 30 ctr version
        for image in "$IMAGES"/node/*.tar; do
            ctr --namespace k8s.io images import "$image"
        done
    } >>"$STATE/log/images.log" 2>&1 &
    IMAGES_JOB=$!
}
wait_for_images() { wait "$IMAGES_JOB" || { tail -n 3 "$STATE/log/images.log"; return 1; }; }

start_kubelet() {
    start kubelet "$BIN/kubelet" \
        --config="$STATE/conf/kubelet.yaml" \
        --kubeconfig="$PKI/kubelet.kubeconfig" \
        --hostname-override="$NODE" \
        --node-ip="$NODE_IP" \
        --root-dir=/var/lib/kubelet
}

start_kube_proxy() {
    start kube-proxy "$BIN/kube-proxy" --config="$STATE/conf/kube-proxy.yaml"
}

start_netpol() {
    start netpol python3 "$TOOL/node/netpol.py" --pki "$PKI" --server https://127.0.0.1:6443 --pods "$POD_NET"
}
