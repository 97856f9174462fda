"""Settings: the order of their sources, and one clear sentence for each mistake."""

from pathlib import Path

import pytest

from hub.settings import SettingInvalid, Settings, data_folder, duckdb_path, load_settings, table


def test_defaults() -> None:
    settings = load_settings({}, {})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert (settings.max_frame_bytes, settings.max_unacked) == (4 * 2**20, 64)
    assert settings.correct_for == 3_600_000


def test_an_option_counts_before_the_environment_before_the_file_before_the_default(tmp_path: Path) -> None:
    config = tmp_path / "hub.toml"
    config.write_text('[hub]\nport = 1\nworkers = 1\nmax_unacked = 8\nping_interval = "5s"\n')
    environment = {"HUB_CONFIG": str(config), "HUB_PORT": "2", "HUB_MAX_UNACKED": "16"}
    settings = load_settings({"port": "3", "host": None}, environment)
    assert (settings.port, settings.max_unacked, settings.ping_interval) == (3, 16, 5_000)
    assert settings.max_subscriptions == 100
    assert settings.config == str(config)


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"HUB_PORT": "http"}, "HUB_PORT: expected a port from 0 to 65535, not 'http'"),
        ({"HUB_PORT": "65536"}, "HUB_PORT: expected a port"),
        ({"HUB_WORKERS": "0"}, "HUB_WORKERS: expected at least 1"),
        ({"HUB_MAX_FRAME_BYTES": "4 megs"}, "HUB_MAX_FRAME_BYTES: expected a size such as 512KiB or 4MiB"),
        ({"HUB_CORRECT_FOR": "1 hour"}, "HUB_CORRECT_FOR: '1 hour' is not a duration"),
        ({"HUB_LOG_LEVEL": "loud"}, "HUB_LOG_LEVEL: expected debug, info, warning or error"),
        ({"HUB_STORE": "postgres:x"}, "store: 'postgres:x' is none"),
        ({"HUB_STORE": "influxdb:localhost"}, "store: 'influxdb:localhost' is none"),
        ({"HUB_STORE": "influxdb:http://localhost:8086"}, "influx_bucket: InfluxDB needs the name of a bucket"),
        ({"HUB_WORKERS": "2"}, "workers: DuckDB serves one process, not 2"),
        ({"HUB_HOST": "0.0.0.0"}, "host: 0.0.0.0 can be reached from the network, and no token is configured"),
        ({"HUB_HOST": "hub.example"}, "host: hub.example can be reached from the network"),
        ({"HUB_CONFIG": "/nowhere/hub.toml"}, "the configuration /nowhere/hub.toml cannot be read: No such file"),
    ],
)
def test_a_mistake_is_named(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        load_settings({}, environment)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[hub]\nprot = 1\n", "hub has no setting 'prot'; did you mean port?"),
        ("[hub]\nzzzzzz = 1\n", "hub has no setting 'zzzzzz'; there are host, port"),
        ("[hub]\nport = true\n", "expected a port from 0 to 65535, not 'true'"),
        ("[hub]\nport = -1\n", "expected a port from 0 to 65535, not '-1'"),
        ("hub = 1\n", "hub must be a table"),
        ("[hub\n", "is not TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named(text: str, sentence: str, tmp_path: Path) -> None:
    config = tmp_path / "hub.toml"
    config.write_text(text)
    with pytest.raises(SettingInvalid) as caught:
        load_settings({"config": str(config)}, {})
    assert sentence in str(caught.value)
    assert str(config) in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_no_token(host: str) -> None:
    assert load_settings({"host": host}, {}).host == host


def test_the_duckdb_file_lies_in_the_data_folder_unless_named(tmp_path: Path) -> None:
    assert duckdb_path(Settings(store="duckdb::memory:")) is None
    assert duckdb_path(Settings(store=f"duckdb:{tmp_path}/a/b.duckdb")) == tmp_path / "a" / "b.duckdb"
    assert (tmp_path / "a").is_dir()
    settings = Settings(data_folder=str(tmp_path / "data"))
    assert duckdb_path(settings) == tmp_path / "data" / "hub.duckdb"
    assert data_folder(settings).is_dir()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingInvalid, match=r"data_folder: the folder .*/file/data cannot be made: Not a directory"):
        data_folder(Settings(data_folder=str(tmp_path / "file" / "data")))


def test_every_setting_is_documented() -> None:
    for row in table():
        assert row.help.endswith("."), row
        assert row.unit, row
        assert row.variable == f"HUB_{row.name.upper()}"
    assert [row.name for row in table() if row.secret] == ["influx_token"]
