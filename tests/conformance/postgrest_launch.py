"""Starts Mainspring in database mode with the settings of PostgREST, for replaying its own specification.

    python tests/conformance/postgrest_launch.py SETTINGS.json PORT POSTGRESQL-URL

SETTINGS.json has PostgREST's names (`db-schemas`, `jwt-secret`, ...); null means unset.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

MODES = {"OAFollowPriv": "follow-privileges", "OAIgnorePriv": "ignore-privileges", "OADisabled": "disabled"}


def settings(given: dict[str, Any], port: int, url: str) -> dict[str, dict[str, Any]]:
    """Our settings for PostgREST's."""
    end = "rollback" if given["db-tx-rollback-all"] else "commit"
    return {
        "server": {"port": port},
        "database": {
            "url": url,
            "auth_mode": "database",
            "anon_role": given["db-anon-role"] or "",
            "pre_request": given["db-pre-request"] or "",
            "extra_search_path": given["db-extra-search-path"],
            "app_settings": [f"{name}={value}" for name, value in given["app-settings"]],
            "hoisted_settings": given["db-hoisted-tx-settings"],
            "prepared_statements": given["db-prepared-statements"],
            "channel": "",
            "tx_end": f"{end}-allow-override" if given["db-tx-allow-override"] else end,
        },
        "auth": {
            "jwt_secret": given["jwt-secret"] or "",
            "jwt_secret_is_base64": given["jwt-secret-is-base64"],
            "role_claim": given["jwt-role-claim-key"],
            "audience": given["jwt-audience"] or "",
        },
        "rest": {
            "prefix": "",
            "schemas": given["db-schemas"],
            "max_rows": given["db-max-rows"] or 0,
            "aggregates": given["db-aggregates"],
            "plan_enabled": given["db-plan-enabled"],
            "openapi_mode": MODES[given["open-api-mode"]],
            "openapi_security": given["open-api-security-active"],
            "openapi_server": given["open-api-server-proxy-uri"] or "",
            "root_function": given["db-root-spec"] or "",
            "server_timing": given["server-timing-enabled"],
            "trace_header": given["server-trace-header"] or "",
            "error_verbosity": given["client-error-verbosity"].lower(),
            "legacy_target_names": given["url-use-legacy-target-names"],
        },
        "cors": {"origins": given["server-cors-allowed-origins"] or ["*"]},
    }


def toml(tree: dict[str, dict[str, Any]]) -> str:
    """The settings file; JSON's strings, numbers, truths and lists are TOML's too."""
    lines = []
    for section, values in tree.items():
        lines += [f"[{section}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Become the server."""
    file, port, url = sys.argv[1:]
    folder = Path(tempfile.mkdtemp())
    given = json.loads(Path(file).read_text("utf-8"))
    (folder / "mainspring.toml").write_text(toml(settings(given, int(port), url)), "utf-8")
    os.chdir(folder)
    os.execv(sys.executable, [sys.executable, "-m", "mainspring.cli", "serve"])


if __name__ == "__main__":
    main()
