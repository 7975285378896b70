"""The vocabulary that everyone shares: coupons, users, response, rules, rows, files and generators."""
