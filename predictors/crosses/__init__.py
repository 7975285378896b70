"""Models of user features, coupon attributes and the crosses of both; they answer for new coupons, too."""
