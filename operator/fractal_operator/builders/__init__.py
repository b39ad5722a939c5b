"""Kubernetes objects as JSON values, built by pure functions."""
