"""The kernels that touch the data: score a block of users, choose for each, tally what was chosen.

A block is a few thousand users, so that its scores stay in cache between the steps. The kernels know
classes, coupons and measures, nothing of rules or of their number. All sums are in float64. A pair that is
not eligible scores NaN, which no comparison prefers; a choice is a list of places, −1 where it ends.
"""
