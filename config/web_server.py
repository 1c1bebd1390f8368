"""
The web server: gunicorn's processes, in which waitress reads requests and sends answers.

One loop waits for all connections of a process. A thread gets a request when it has come whole, and hands its answer
over at once: whoever sends or reads slowly holds a connection, and no thread. docs/adr/0048-slow-senders.md says why.
"""

import os
import re
import socket
import time
from collections.abc import Callable
from typing import Any

from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask

from config.refusals import REFUSED, Refusal

# Connections of one process. One more, and the one that has done nothing for longest is closed.
MOST_CONNECTIONS = 500
# What the bodies that a process is reading may have together. Small ones are always read.
MOST_HELD = 128 * 1024 * 1024
SMALL = 64 * 1024
# Seconds for the head of a request, and until the next request on a connection that stays.
HEAD_WITHIN = 15
IDLE_FOR = 30
# Seconds for a body, and for an answer; one more for each so many bytes.
WITHIN = 30
AT_LEAST_A_SECOND = 64 * 1024
# Whoever is refused while still sending is listened to for so long: the answer would not reach them otherwise.
LISTENS_ON = 3
# On a stop: seconds for a request that is on its way on a connection that did nothing.
LAST_CALL = 1
LARGEST_HEAD = 64 * 1024
# What the system keeps of an answer beside: it would keep some megabytes for each slow reader.
KEPT_BY_THE_SYSTEM = 256 * 1024
# Of the line before a chunk, and of what follows the last one.
LONGEST_LINE = 4096

_TRANSFER_ENCODING = re.compile(rb"^transfer-encoding[ \t]*:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_GOES_ON = re.compile(rb"\n[ \t]")


class Request(HTTPRequestParser):
    """
    A request as it comes in. The service answers for what is refused once the head is read; before that, waitress does.
    """

    refusal: Refusal | None = None
    _began: float = 0
    _has_head: float = 0

    def received(self, data: bytes) -> int:
        self._began = self._began or time.monotonic()
        consumed: int = super().received(data)
        if self._has_head and self.error is not None:
            self.refuse(Refusal(400, f"The chunks of the body cannot be read: {self.error.body}."))
        elif not self.completed and self.body_rcv is not None:
            body = self.body_rcv
            if max(len(getattr(body, "control_line", b"")), len(getattr(body, "trailer", b""))) > LONGEST_LINE:
                self.refuse(Refusal(400, "A line between the chunks of the body is too long."))
            elif self.held > self._largest:
                self.refuse(Refusal(413))
        # What follows a request that is refused is not looked at: nobody knows where the next one begins.
        return len(data) if self.refusal or self.error else consumed

    def parse_header(self, header_plus: bytes) -> None:
        if _GOES_ON.search(header_plus):
            raise ParsingError("A header goes on in the next line")
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            # As a length of five thousand digits.
            raise ParsingError("Content-Length is invalid") from error
        if self.version not in {"1.0", "1.1"}:
            raise ParsingError("The version of HTTP is neither 1.0 nor 1.1")
        # What another server may read as two requests is none here (RFC 9112, section 6.3).
        codings = [coding.strip(b" \t").lower() for coding in _TRANSFER_ENCODING.findall(header_plus)]
        if codings and codings != [b"chunked"]:
            raise TransferEncodingNotImplemented("Transfer-Encoding is chunked, once, or is left out")
        if codings and (self.version == "1.0" or "CONTENT_LENGTH" in self.headers):
            raise ParsingError("Transfer-Encoding stands beside Content-Length, or in HTTP/1.0")
        self._has_head = time.monotonic()
        if self.content_length > self._largest:
            self.refuse(Refusal(413))

    @property
    def _largest(self) -> int:
        kind: str = self.headers.get("CONTENT_TYPE", "").strip().lower()
        largest: int = self.adj.largest_form if kind.startswith("multipart/form-data") else self.adj.largest_body
        return largest

    @property
    def held(self) -> int:
        """How many bytes of its body are here."""
        return self.body_rcv.buf.__len__() if self.body_rcv is not None else 0

    def refuse(self, refusal: Refusal) -> None:
        """Lets go what came of its body, and reads no more of it."""
        self.close()
        self.refusal, self.error, self.body_rcv, self.content_length = refusal, None, None, 0
        self.completed, self.expect_continue = True, False

    def is_late(self, now: float) -> bool:
        if self._has_head:
            return bool(now > self._has_head + WITHIN + self.body_bytes_received / AT_LEAST_A_SECOND)
        return now > self._began + HEAD_WITHIN

    @property
    def has_head(self) -> bool:
        return self._has_head > 0


class Answer(WSGITask):
    """The service's answer to a request."""

    def start(self) -> None:
        super().start()
        if self.request.refusal is not None or not self.channel.server.goes_on():
            self.set_close_on_finish()

    def get_environment(self) -> dict[str, Any]:
        environment: dict[str, Any] = super().get_environment()
        environment |= {"SERVER_SOFTWARE": "front-door", "wsgi.multiprocess": True}
        if self.request.refusal is not None:
            environment.pop("CONTENT_LENGTH", None)
            environment[REFUSED] = self.request.refusal
        return environment


class Connection(HTTPChannel):
    """A connection: what comes in, and what is still to go out."""

    task_class = Answer
    parser_class = Request
    request: Request | None
    will_close: bool
    # Until when the answer must be gone, and until when somebody who was refused is listened to.
    _sent_by = _listens_until = 0.0
    # Whether they have had the answer, and what they still send is thrown away.
    _is_left = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # waitress takes so much of an answer in hand for each few bytes that a slow reader has room for.
        self.sendbuf_len = AT_LEAST_A_SECOND

    def received(self, data: bytes) -> bool:
        is_read: bool = super().received(data)
        if self.request is not None and self.request.held > SMALL and self.server.held() > MOST_HELD:
            self._refuse(Refusal(503))
        return is_read

    def _refuse(self, refusal: Refusal) -> None:
        """Answers for what has come only in part."""
        with self.requests_lock:
            request, self.request = self.request, None
            assert request is not None, "whoever refuses has looked at it"
            request.refuse(refusal)
            self.requests.append(request)
            if len(self.requests) == 1:
                self.server.add_task(self)

    def service(self) -> None:
        if self.requests[0].refusal is not None or self.requests[0].error is not None:
            self._listens_until = time.monotonic() + LISTENS_ON
        self._sent_by = 0
        super().service()
        self.server.count()

    def handle_read(self) -> None:
        if not self._is_left:
            super().handle_read()
        elif not self.recv(self.adj.recv_bytes):
            self.handle_close()

    def readable(self) -> bool:
        return self._is_left or bool(super().readable())

    def writable(self) -> bool:
        return not self._is_left and bool(super().writable())

    def handle_close(self) -> None:
        """Somebody who was refused, and may still be sending, hears the end of the answer before the end of all."""
        if self._listens_until and self.connected and not self._is_left:
            self._is_left = True
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                self._is_left = False
            else:
                return
        super().handle_close()

    def keep_time(self, now: float) -> None:
        """Ends what takes too long. The loop calls it once a second."""
        if self._is_left:
            if now > self._listens_until:
                self.handle_close()
        elif self.requests:
            # A thread has it, or it waits for one.
            self._sent_by = 0
        elif self.total_outbufs_len:
            self._sent_by = self._sent_by or now + WITHIN + self.total_outbufs_len / AT_LEAST_A_SECOND
            self.will_close |= now > self._sent_by
        elif self.request is not None and not self.request.empty:
            self._sent_by = 0
            if self.request.is_late(now):
                if self.request.has_head:
                    self._refuse(Refusal(408))
                else:
                    self.will_close = True
        else:
            self._sent_by = 0
            self.will_close |= self.is_idle_for(IDLE_FOR)

    def is_idle_for(self, seconds: float) -> bool:
        """Whether nothing is in hand on it, and nothing came for so long."""
        has_nothing = not (self.requests or self.request or self.total_outbufs_len)
        return has_nothing and time.time() > self.last_activity + seconds


class Server(TcpWSGIServer):
    """One listening socket and its connections."""

    channel_class = Connection

    def __init__(self, *args: Any, goes_on: Callable[[], bool], count: Callable[[], None], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.goes_on, self.count = goes_on, count

    @property
    def connections(self) -> list[Connection]:
        return list(self.active_channels.values())

    def held(self) -> int:
        """How many bytes of bodies are here, of requests that come and that wait."""
        return sum(
            request.held
            for connection in self.connections
            for request in (connection.request, *connection.requests)
            if request is not None
        )

    def handle_accept(self) -> None:
        waiting = [connection for connection in self.connections if not connection.requests]
        if len(self.active_channels) >= MOST_CONNECTIONS and waiting:
            HTTPChannel.handle_close(min(waiting, key=lambda connection: connection.last_activity))
        super().handle_accept()

    def maintenance(self, now: float) -> None:
        for connection in self.connections:
            connection.keep_time(time.monotonic())


class WebWorker(Worker):
    """One process of the web server. gunicorn starts it, replaces it and ends it."""

    servers: tuple[Server, ...] = ()

    def run(self) -> None:
        # The settings are there only now.
        from django.conf import settings

        from casework.files.uploads import LARGEST_BODY

        given = Adjustments(
            recv_bytes=64 * 1024,
            max_request_header_size=LARGEST_HEAD,
            # Each kind of body has a limit of its own, below.
            max_request_body_size=2 * LARGEST_BODY,
            # A file is larger than any page: a thread hands over what it has, whoever reads it.
            outbuf_high_watermark=2 * LARGEST_BODY,
            # The service reads them itself, and only behind a proxy (BEHIND_TLS_PROXY).
            clear_untrusted_proxy_headers=False,
            cleanup_interval=1,
            connection_limit=2 * MOST_CONNECTIONS,
            log_socket_errors=False,
        )
        given.ident = None
        given.socket_options = [
            *Adjustments.socket_options,
            (socket.SOL_SOCKET, socket.SO_SNDBUF, KEPT_BY_THE_SYSTEM),
        ]
        given.largest_body, given.largest_form = settings.DATA_UPLOAD_MAX_MEMORY_SIZE, LARGEST_BODY
        sockets: dict[int, Any] = {}
        threads = ThreadedTaskDispatcher()
        threads.set_thread_count(self.cfg.threads)
        self.servers = tuple(
            Server(
                self.wsgi, sockets, _sock=listener.sock, dispatcher=threads, adj=given, bind_socket=False,
                sockinfo=(listener.sock.family, listener.sock.type, listener.sock.proto, listener.getsockname()),
                goes_on=lambda: self.alive, count=self._count,
            )
            for listener in self.sockets
        )  # fmt: skip
        while self.alive and os.getppid() == self.ppid:
            self._turn(sockets, seconds=1)
        self._finish(sockets)

    def _turn(self, sockets: dict[int, Any], *, seconds: float) -> None:
        self.notify()
        wasyncore.poll2(seconds, sockets)

    def _finish(self, sockets: dict[int, Any]) -> None:
        """Takes no more connections, and answers what has come or is coming, within the time for a stop."""
        began, self.alive = time.monotonic(), False
        for server in self.servers:
            server.accepting = False
        while any(server.connections for server in self.servers):
            now = time.monotonic()
            if now > began + self.cfg.graceful_timeout:
                break
            for server in self.servers:
                for connection in server.connections:
                    connection.will_close |= now > began + LAST_CALL and connection.is_idle_for(0)
            self._turn(sockets, seconds=0.1)

    def _count(self) -> None:
        self.nr += 1
        if self.nr >= self.max_requests:
            self.stop()

    def handle_exit(self, sig: int, frame: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.alive = False
        for server in self.servers:
            server.pull_trigger()
