"""Properties: random schemas, rows, policies and requests; every engine against the reference evaluator."""
