"""Public means of testing: an app in memory (`client`) and the suite every engine must pass (`engine_suite`).

Nothing is imported here, because the one needs httpx and the other pytest.
"""
