"""The whole product on one machine, for a person's first look: `make run`, `make stop`, `make uninstall`.

    announcement      what will be installed and changed, said before any of it is
    local_picture     the example rendered here, while the cluster comes up
    target            which cluster: this machine's own, or that of KUBECONFIG
    readiness         whether an object is ready, and if not, why, as one sentence; pure
    installation      images, manifests, and the waits for what they begin
    cluster_picture   the same example, rendered by the cluster
    pixels, proof     that both pictures are equal
    first_look        the commands, put together from these
    removal           the product taken from a cluster, also when its operator is dead
    taking_down       the cluster, gone
    remains           what stays on the machine afterwards, and how to be rid of it

`announcement` and `taking_down` are run by whatever Python the machine has, without libraries: they, and what they
import, need the standard library alone. What brings up the cluster is `cluster_harness`.
"""
