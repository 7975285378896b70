"""Instances drawn block by block: any size, repeatable on any machine, feasible by construction."""
