"""Training: draws, rules, schedules, held-out samples, and the loop over epochs."""
