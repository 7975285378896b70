"""Families of networks, one file each, that share one training loop, one learner and one file format."""
