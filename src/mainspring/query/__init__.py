"""What was asked: the query AST, the operator table and the reference evaluator. Knows no wire and no database."""
