"""Who may: policies written as Python expressions, grants, and the registry that answers for them. Knows no
plan and no engine.
"""
