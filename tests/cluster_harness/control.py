"""The control plane's services and their settings, as pure functions of the layout."""

import json
import sys
from pathlib import Path

from cluster_harness.layout import (
    API_PORT,
    CLUSTER_DOMAIN,
    DNS_PORT,
    POD_RANGE,
    SERVICE_RANGE,
    Layout,
)
from cluster_harness.service import Boot, Service

# A lost node is noticed in this time instead of the usual 50 s: tests wait for it.
NODE_GRACE_S = 5
ETCD = "http://127.0.0.1:2379"


def boot(layout: Layout, binary: Path) -> Boot:
    """How the control plane's machine starts."""
    control = layout.control
    return Boot(
        logs=str(control.logs),
        held=str(control.held),
        services=(
            _etcd(layout),
            _api_server(layout, binary),
            _controllers(layout, binary),
            _scheduler(layout, binary),
            Service(name="coredns", command=(str(binary), "coredns", "-conf", str(control.folder / "Corefile"))),
            _proxy(layout, binary),
            _provisioner(layout),
        ),
    )


def write_settings(layout: Layout) -> None:
    """Write the files that the services read."""
    folder = layout.control.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "audit-policy.json").write_text(json.dumps(audit_policy()))
    (folder / "kube-proxy.json").write_text(json.dumps(proxy_settings(layout), indent=1))
    (folder / "Corefile").write_text(corefile(layout))


def audit_policy() -> dict[str, object]:
    """Each request once, without its body."""
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata"}],
    }


def corefile(layout: Layout) -> str:
    """CoreDNS's settings: the cluster's own names, and nothing of the world outside."""
    return f"""\
.:{DNS_PORT} {{
    errors
    ready :8181
    cache 1
    kubernetes {CLUSTER_DOMAIN} in-addr.arpa {{
        kubeconfig {layout.pki / "coredns.kubeconfig"}
        ttl 1
    }}
}}
"""


def _etcd(layout: Layout) -> Service:
    # a cluster lives for one `up`: what a crash of the host would lose is thrown away anyhow
    flags = ["--unsafe-no-fsync", "--logger=zap", "--log-level=warn"]
    urls = [
        f"--listen-client-urls={ETCD}",
        f"--advertise-client-urls={ETCD}",
        "--listen-peer-urls=http://127.0.0.1:2380",
    ]
    return Service(name="etcd", command=("etcd", f"--data-dir={layout.control.folder / 'etcd'}", *urls, *flags))


def _api_server(layout: Layout, binary: Path) -> Service:
    pki = layout.pki
    flags = {
        "etcd-servers": ETCD,
        "secure-port": API_PORT,
        "advertise-address": layout.control.address,
        "service-cluster-ip-range": SERVICE_RANGE,
        "tls-cert-file": pki / "kube-apiserver.crt",
        "tls-private-key-file": pki / "kube-apiserver.key",
        "client-ca-file": pki / "ca.crt",
        "service-account-issuer": f"https://kubernetes.default.svc.{CLUSTER_DOMAIN}",
        "service-account-key-file": pki / "service-accounts.pub",
        "service-account-signing-key-file": pki / "service-accounts.key",
        "kubelet-certificate-authority": pki / "ca.crt",
        "kubelet-client-certificate": pki / "kubelet-client.crt",
        "kubelet-client-key": pki / "kubelet-client.key",
        "kubelet-preferred-address-types": "InternalIP",
        "authorization-mode": "Node,RBAC",
        "anonymous-auth": "false",
        # both are on by default as well; the tests lean on them, so they are named
        "enable-admission-plugins": "NodeRestriction,PodSecurity,ValidatingAdmissionPolicy",
        "allow-privileged": "true",
        "audit-policy-file": layout.control.folder / "audit-policy.json",
        "audit-log-path": layout.audit_log,
        "audit-log-maxsize": 4096,  # MB: one file for one life, so that who counts requests misses none
        # webhooks and aggregated APIs are called by their pods' addresses
        "enable-aggregator-routing": "true",
    }
    return Service(name="kube-apiserver", command=_command(binary, "kube-apiserver", flags))


def _controllers(layout: Layout, binary: Path) -> Service:
    flags = {
        "kubeconfig": layout.pki / "kube-controller-manager.kubeconfig",
        "root-ca-file": layout.pki / "ca.crt",
        "service-account-private-key-file": layout.pki / "service-accounts.key",
        "use-service-account-credentials": "true",
        "leader-elect": "false",
        "cluster-cidr": POD_RANGE,
        "allocate-node-cidrs": "false",
        "node-monitor-period": "500ms",
        "node-monitor-grace-period": f"{NODE_GRACE_S}s",
    }
    return Service(name="kube-controller-manager", command=_command(binary, "kube-controller-manager", flags))


def _scheduler(layout: Layout, binary: Path) -> Service:
    flags = {"kubeconfig": layout.pki / "kube-scheduler.kubeconfig", "leader-elect": "false"}
    return Service(name="kube-scheduler", command=_command(binary, "kube-scheduler", flags))


def _proxy(layout: Layout, binary: Path) -> Service:
    # it waits half a minute for the Node it is on, and this machine is none: it goes by another's name
    return Service(name="kube-proxy", command=proxy_command(layout, binary, layout.nodes[0].name))


def proxy_command(layout: Layout, binary: Path, node: str) -> tuple[str, ...]:
    """The kube-proxy of a machine."""
    settings = layout.control.folder / "kube-proxy.json"
    return _command(binary, "kube-proxy", {"config": settings, "hostname-override": node})


def proxy_settings(layout: Layout) -> dict[str, object]:
    """The configuration of every kube-proxy."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(layout.pki / "kube-proxy.kubeconfig")},
        "mode": "nftables",
        "clusterCIDR": POD_RANGE,
        "conntrack": {"maxPerCore": 0},  # a namespace may not change the kernel's table
        "nftables": {"minSyncPeriod": "100ms"},  # by default a Service may lag a second behind its pods
    }


def _provisioner(layout: Layout) -> Service:
    kubeconfig = str(layout.pki / "provisioner.kubeconfig")
    command = (sys.executable, "-m", "cluster_harness.provisioner", kubeconfig, str(layout.volumes))
    return Service(name="provisioner", command=command)


def _command(binary: Path, program: str, flags: dict[str, object]) -> tuple[str, ...]:
    return (str(binary), program, *(f"--{name}={value}" for name, value in flags.items()))
