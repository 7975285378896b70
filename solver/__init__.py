"""Prices, demand, exact solves, core, rounding and the certificate: from an instance to a proven plan."""
