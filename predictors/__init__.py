"""From what is known of users and coupons to their response; training, evaluation and policy value."""
