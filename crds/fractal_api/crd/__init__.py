"""What Kubernetes and readers are told of our kinds, made from the models: CRDs and reference pages. Pure, no I/O."""
