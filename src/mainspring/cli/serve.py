"""`mainspring serve`: prepares the app, says where it is, and hands it to Granian.

One worker runs in this very process (half the memory, no second start); more are processes of their own.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import ipaddress
import logging
import multiprocessing
import signal
import socket
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mainspring import __version__
from mainspring.cli.target import Launch, load_worker, prepare
from mainspring.errors import ConfigError, MainspringError, Mistake
from mainspring.http.dispatch import Dispatcher
from mainspring.observe import Sink, Started, Stopped, Stopping, log_sink
from mainspring.services.identity.keys.api_keys import open_api_keys
from mainspring.services.identity.keys.keys import open_keys
from mainspring.services.identity.service import PATH as AUTH_PATH
from mainspring.settings import ServerSettings, Settings
from mainspring.surfaces.inbox.routes import PATH as INBOX_PATH

if TYPE_CHECKING:
    from granian.server.embed import Server

_BACKLOG: Final = 2048
_ALLOCATIONS_BETWEEN_COLLECTIONS: Final = 20_000
_FAILED: Final = 1


def serve(app: str, flags: Mapping[str, str]) -> int:
    """Serve `app` until told to stop. Returns the exit code. Raises ConfigError before anything is served."""
    begun = time.monotonic()
    launch = Launch(app, flags)
    settings, application = prepare(launch)
    _check_address(settings.server)
    if settings.server.reload:
        from mainspring.cli.reload import serve_and_watch

        return serve_and_watch(launch)
    if settings.server.workers > 1:
        return _serve_in_workers(launch, settings, application)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve_here(application, settings, begun))


# ---------------------------------------------------------------- one worker


async def _serve_here(application: Dispatcher, settings: Settings, begun: float) -> int:
    """Start the steps, serve until a signal, let running requests finish, stop the steps."""
    observe = log_sink(settings.server.log_level, settings.server.log_format)
    try:
        await application.start()
    except MainspringError:
        raise
    except Exception:
        return _FAILED  # told already, with its trace, as StartFailed
    _settle_memory()
    finished = asyncio.Event()
    server = _server(application, settings.server)
    try:
        _on_signals(partial(_begin_stop, application, server, settings.server, finished, observe))
        running = asyncio.create_task(server.serve())
        running.add_done_callback(lambda _: finished.set())
        await _until_listening(settings.server, running)
        announce(settings, application)
        observe(Started(_address(settings.server), time.monotonic() - begun))
        await finished.wait()
    finally:
        told_to, clean = application.stopping, running.done()
        await application.stop()
    if not clean:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the requests cut off now have
        logging.disable()  # nothing to tell that Stopped does not
    observe(Stopped(clean))
    return 0 if told_to else _FAILED


def _settle_memory() -> None:
    """What is there now stays: the collector need not look at it again, nor run after every few requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS_BETWEEN_COLLECTIONS, 20, 100)
    gc.enable()


def _server(application: Dispatcher, settings: ServerSettings) -> Server:
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server.embed import Server

    return Server(
        application,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGINL,  # the steps are run here, where a mistake can still end the process
        backlog=_BACKLOG,
        backpressure=_BACKLOG,
        log_level=LogLevels.error,
    )


def _begin_stop(
    application: Dispatcher, server: Server, settings: ServerSettings, finished: asyncio.Event, observe: Sink
) -> None:
    """The first signal lets requests finish for a while; a second one does not wait any longer."""
    if application.stopping:
        finished.set()
        return
    application.stopping, application.serving = True, False
    observe(Stopping(settings.shutdown_seconds))
    server.stop()
    asyncio.get_running_loop().call_later(settings.shutdown_seconds, finished.set)


def _on_signals(stop: partial[None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


async def _until_listening(settings: ServerSettings, running: asyncio.Task[None]) -> None:
    """Return once a connection is accepted, so that what is announced is true."""
    while not running.done():
        try:
            _, writer = await asyncio.open_connection(settings.host, settings.port)
        except OSError:
            await asyncio.sleep(0.002)
        else:
            writer.close()
            return


# ---------------------------------------------------------------- several workers


def _serve_in_workers(launch: Launch, settings: Settings, application: Dispatcher) -> int:
    """Serve with worker processes that Granian starts, watches and stops. Each runs the steps for itself."""
    from granian import Granian
    from granian.constants import Interfaces, Loops
    from granian.log import LogLevels

    announce(settings, application)
    _settle_memory()
    server = Granian(
        launch.app,
        address=settings.server.host,
        port=settings.server.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=settings.server.workers,
        backlog=_BACKLOG,
        backpressure=_BACKLOG,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        workers_kill_timeout=max(1, round(settings.server.shutdown_seconds)),
    )
    # A forked worker inherits the application; a spawned one has to load it again.
    forked = multiprocessing.get_start_method() == "fork"
    server.serve(target_loader=(lambda: application) if forked else partial(load_worker, launch), wrap_loader=False)
    return 0


# ---------------------------------------------------------------- the address


def _check_address(settings: ServerSettings) -> None:
    """Raise ConfigError where the address cannot be had: Granian would share a port that is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            mistake = Mistake(
                "--port" if taken else "--host",
                f"{settings.host}:{settings.port} cannot be listened on: {error.strerror or error}",
                "another process listens there; choose another --port" if taken else None,
            )
            raise ConfigError([mistake]) from error


def _address(settings: ServerSettings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def _who(host: str) -> str:
    """Who can reach the address."""
    try:
        alone = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        alone = False
    return "whoever uses this machine" if alone else "ANYONE ON THE NETWORK, with no key at all,"


def announce(settings: Settings, application: Dispatcher | None = None) -> None:
    """Say on standard output where everything is, and who may read it where that is everybody."""
    base = _address(settings.server)
    lines = {"Data API": f"{base}{settings.rest.prefix}/"}
    if settings.rest.shows_docs:
        lines["Docs"] = f"{base}/docs"
    if application is not None and application.serves(AUTH_PATH):
        lines["Auth"] = f"{base}{AUTH_PATH}/"
    if application is not None and application.serves(INBOX_PATH):
        lines["Inbox"] = f"{base}{INBOX_PATH} (mails are shown there, none is sent)"
    lines["Health"] = f"{base}/healthz"
    if settings.database.auth_mode == "app":
        folder = Path(settings.server.data) / "keys"
        api = open_api_keys(folder, open_keys(folder, settings.auth))
        lines["Anon key"] = api.anon
        lines["Service key"] = f"in {api.service_file} (it passes every policy: keep it on the server)"
    if settings.database.open_read:
        lines["WARNING"] = f"{_who(settings.server.host)} reads every table of this database (--open-read)"
    print(f"Mainspring {__version__}")
    print("\n".join(f"  {name + ':':<13}{text}" for name, text in lines.items()), flush=True)
