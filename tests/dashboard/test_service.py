from pathlib import Path

from dashboard import service


def test_the_unit_names_this_folder_and_its_owner():
    template = (service.ROOT / service.TEMPLATE).read_text(encoding="utf-8")

    unit = service.unit_text(template, Path("/srv/my 100% desk"), "trader")

    assert "User=trader" in unit
    assert "WorkingDirectory=/srv/my 100%% desk" in unit
    assert 'ExecStart="/srv/my 100%% desk/.venv/bin/python" -m dashboard.preflight' in unit
    assert "@" not in unit


def test_without_systemd_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(service, "systemd_runs", lambda: False)

    assert service.main() == 2
    assert "does not run systemd" in capsys.readouterr().err
