"""An authority and an identity for each component of one cluster's life: the audit log tells them apart."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cluster_harness.command import run
from cluster_harness.layout import API_PORT, API_SERVICE, CLUSTER_DOMAIN, CONTROL_ADDRESS, Layout

DAYS = "30"
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
SERVER = f"https://{CONTROL_ADDRESS}:{API_PORT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a certificate speaks for; `names` and `addresses` are where it may serve."""

    name: str
    user: str
    group: str = ""
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


def identities(layout: Layout) -> Sequence[Identity]:
    """Everybody in the cluster who needs a certificate."""
    service = [f"kubernetes{suffix}" for suffix in ("", ".default", ".default.svc", f".default.svc.{CLUSTER_DOMAIN}")]
    return (
        Identity(
            name="kube-apiserver",
            user="kube-apiserver",
            names=("localhost", *service),
            addresses=("127.0.0.1", API_SERVICE, CONTROL_ADDRESS),
        ),
        Identity(name="kubelet-client", user="kube-apiserver-kubelet-client"),
        Identity(name="admin", user="admin", group="system:masters"),
        Identity(name="kube-controller-manager", user="system:kube-controller-manager"),
        Identity(name="kube-scheduler", user="system:kube-scheduler"),
        Identity(name="kube-proxy", user="system:kube-proxy"),
        Identity(name="coredns", user="system:coredns"),
        Identity(name="enforcer", user="system:network-policies"),
        Identity(name="provisioner", user="system:volume-provisioner"),
        *(
            Identity(
                name=node.name,
                user=f"system:node:{node.name}",
                group="system:nodes",
                names=(node.name,),
                addresses=(node.address,),
            )
            for node in layout.nodes
        ),
    )


def issue(layout: Layout) -> None:
    """Write the authority, all certificates, all kubeconfigs, and the key that signs service accounts' tokens."""
    layout.pki.mkdir(mode=0o700, parents=True)
    subject = ["-days", DAYS, "-subj", "/CN=clusteredfractals test cluster"]
    run(["openssl", "req", "-x509", *EC, *subject, "-keyout", layout.pki / "ca.key", "-out", layout.pki / "ca.crt"])
    with ThreadPoolExecutor(max_workers=2) as pool:
        jobs = [pool.submit(_sign, layout.pki, identity) for identity in identities(layout)]
        jobs.append(pool.submit(_service_account_key, layout.pki))
        for job in jobs:
            job.result()


def kubeconfig(folder: Path, name: str, server: str = SERVER) -> str:
    """A kubeconfig (JSON is YAML) for the identity of that name; it refers to files in `folder`."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "fractals", "cluster": {"server": server, "certificate-authority": f"{folder}/ca.crt"}}
            ],
            "users": [
                {
                    "name": name,
                    "user": {"client-certificate": f"{folder}/{name}.crt", "client-key": f"{folder}/{name}.key"},
                }
            ],
            "contexts": [{"name": "fractals", "context": {"cluster": "fractals", "user": name}}],
            "current-context": "fractals",
        },
        indent=1,
    )


def _sign(folder: Path, identity: Identity) -> None:
    subject = (f"/O={identity.group}" if identity.group else "") + f"/CN={identity.user}"
    places = [f"DNS:{name}" for name in identity.names] + [f"IP:{address}" for address in identity.addresses]
    extensions = ["extendedKeyUsage=serverAuth,clientAuth", "basicConstraints=critical,CA:FALSE"]
    extensions += [f"subjectAltName={','.join(places)}"] if places else []
    command = ["openssl", "req", "-x509", *EC, "-days", DAYS, "-subj", subject]
    command += ["-CA", str(folder / "ca.crt"), "-CAkey", str(folder / "ca.key")]
    command += [word for extension in extensions for word in ("-addext", extension)]
    run([*command, "-keyout", folder / f"{identity.name}.key", "-out", folder / f"{identity.name}.crt"])
    (folder / f"{identity.name}.kubeconfig").write_text(kubeconfig(folder, identity.name))


def _service_account_key(folder: Path) -> None:
    run(["openssl", "genrsa", "-out", folder / "service-accounts.key", "2048"])
    public = folder / "service-accounts.pub"
    run(["openssl", "rsa", "-pubout", "-in", folder / "service-accounts.key", "-out", public])
