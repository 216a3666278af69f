"""The planner's passes: each takes the draft tree and fills in one thing. Order matters; `plan.planner` lists it."""
