import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dashboard import preflight
from dashboard.preflight import CannotStart, Place


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def held_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def serve(body: bytes, status: int = 200) -> HTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    return server


def stop(server: HTTPServer) -> None:
    server.shutdown()
    server.server_close()


def test_without_settings_only_this_machine_gets_in():
    assert preflight.read_place() == Place("127.0.0.1", 8501)


def test_the_environment_wins_over_the_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("DASHBOARD_PORT=9001\nDASHBOARD_ADDRESS=0.0.0.0\nOTHER=1\n")
    monkeypatch.setenv("DASHBOARD_PORT", "9002")

    assert preflight.read_place() == Place("0.0.0.0", 9002)


@pytest.mark.parametrize("port", ["0", "65536", "abc", "", "-1", "8501.5"])
def test_a_wrong_port_is_named(monkeypatch, port):
    monkeypatch.setenv("DASHBOARD_PORT", port)

    with pytest.raises(CannotStart, match=f"DASHBOARD_PORT .* not '{port}'"):
        preflight.read_place()


def test_a_wrong_address_is_named(monkeypatch):
    monkeypatch.setenv("DASHBOARD_ADDRESS", "example")

    with pytest.raises(CannotStart, match=r"DASHBOARD_ADDRESS .* not 'example'"):
        preflight.read_place()


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("10.1.2.3", "http://10.1.2.3:80"),
    ],
)
def test_the_printed_address_is_one_that_a_browser_can_open(address, url):
    assert Place(address, 80).url == url


def test_a_taken_port_is_said_with_a_way_out(held_port):
    with pytest.raises(CannotStart, match=f"Port {held_port} is taken.*DASHBOARD_PORT="):
        preflight.check_port(Place("127.0.0.1", held_port))


def test_an_address_of_another_machine_is_said():
    with pytest.raises(CannotStart, match=r"192\.0\.2\.1 is not an address of this machine"):
        preflight.check_port(Place("192.0.2.1", 8501))


def test_only_our_dashboard_counts_as_running(held_port):
    ours = serve(b'{"app": "stepladder", "ok": true}')
    another = serve(b'{"ok": true}')
    broken = serve(b"<html>", status=500)
    try:
        assert preflight.is_our_dashboard(Place("127.0.0.1", ours.server_port))
        assert not preflight.is_our_dashboard(Place("127.0.0.1", another.server_port))
        assert not preflight.is_our_dashboard(Place("127.0.0.1", broken.server_port))
    finally:
        for server in (ours, another, broken):
            stop(server)


def test_a_port_that_never_answers_is_not_ours(held_port, monkeypatch):
    monkeypatch.setattr(preflight, "ANSWER_TIMEOUT", 0.1)

    assert not preflight.is_our_dashboard(Place("127.0.0.1", held_port))


def test_a_second_start_is_harmless(monkeypatch, capsys):
    ours = serve(b'{"app": "stepladder", "ok": true}')
    monkeypatch.setenv("DASHBOARD_PORT", str(ours.server_port))
    try:
        assert preflight.main() == 0
    finally:
        stop(ours)
    assert f"already running at http://127.0.0.1:{ours.server_port}" in capsys.readouterr().out


def test_a_start_that_is_refused_says_one_sentence(monkeypatch, capsys, held_port, tmp_path):
    monkeypatch.setattr(preflight, "ANSWER_TIMEOUT", 0.1)
    monkeypatch.setattr(preflight, "ROOT", tmp_path)
    monkeypatch.setenv("DASHBOARD_PORT", str(held_port))

    assert preflight.main() == 2
    assert capsys.readouterr().err.startswith(f"Port {held_port} is taken by another program.")


def test_a_folder_too_deep_for_the_control_socket_is_refused(tmp_path):
    with pytest.raises(CannotStart, match="path of this folder is too long"):
        preflight.check_folder(tmp_path / ("x" * 90))


def test_a_living_supervisord_is_noticed(tmp_path):
    folder = Path("var")
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        # Relative, because the folders of tests are deep and a socket's path is short.
        listener.bind(str(preflight.SOCKET))
        assert not preflight.is_supervised(Path("."))
        listener.listen()
        assert preflight.is_supervised(Path("."))
    assert not preflight.is_supervised(Path("."))
