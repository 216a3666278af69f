"""What will be done: AST + catalog + policies + role -> Plan. Pure; every table in a plan carries its guard."""
