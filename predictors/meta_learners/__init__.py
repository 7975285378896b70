"""S-, T-, X- and DR-learner: one estimate of the uplift a file, over any base learner."""
