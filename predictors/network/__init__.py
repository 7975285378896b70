"""The multi-arm network: one view of the user, one vector a coupon, effects as small as the data says."""
