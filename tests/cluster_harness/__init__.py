"""A real Kubernetes on one bare Debian machine, for the tests and for trying things out.

    python tests/cluster.py up [--nodes 2]      12 minutes the first time, then about 10 s
    python tests/cluster.py load IMAGE…         carry images to the nodes; no registry is reachable from there
    python tests/cluster.py kubectl get nodes   or: export KUBECONFIG=$(python tests/cluster.py kubeconfig)
    python tests/cluster.py fault power-off node-2, then: fault repair node-2
    python tests/cluster.py down                leaves nothing running

docs/cluster.md is its manual. Nothing but the standard library is imported here: the machines' own programs start in
20 ms, and run under any Python from 3.11 on.

What is where:

    layout                      names, addresses, folders, ports; all else takes them from there
    machine, packages, binary   what must be there first: a fit machine, Debian's packages, Kubernetes built
    network, cgroups            what machines are made of
    service, init, power        how a machine starts, runs and stops
    pki, control, node          who is who, and the settings of each service
    addons                      what every cluster holds from its first second
    policies, nftables, enforcer      NetworkPolicies: the rules, their text, the program on each node
    volumes, provisioner        the default StorageClass: what to make, and the program that makes it
    api, mirror, labels         a small client of the API server
    forward, names              ports of 127.0.0.1 that lead in
    archive, images             images without a registry
    life, sweep, lock           up, down, and only one at a time
    cluster, faults, kubectl, samples, choice   what tests call
    command, wait, progress, errors             programs with deadlines, and sentences for people
"""
