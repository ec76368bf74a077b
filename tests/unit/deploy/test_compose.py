"""Who runs `docker compose up` gets every service, set up as its settings ask, and nothing that the
world should not reach."""

from __future__ import annotations

import importlib
import io
import json
import lzma
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import py3langid
import pytest
import yaml
from py3langid.langid import MODEL_FILE
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from deploy import passwords, reference
from deploy.local import jars, kafka, postgres
from services.__main__ import names
from services.phone.settings import PhoneSettings
from services.social.settings import SocialSettings
from shared.settings import Settings, load
from tests.unit.deploy.compose import COMPOSE, CONTAINERS, FILE, JOBS, ROOT, Missing, environment, filled_in

SECRETS = {name: f"made-for-{name.lower()}-{'x' * 32}" for name in passwords.names()}
CLASSES: dict[str, type[BaseSettings]] = {
    kind.__module__.split(".")[1]: kind for kind in reference.settings_classes() if kind is not Settings
}
UVICORN = {"FORWARDED_ALLOW_IPS"}
"""Read by the HTTP server, not by us."""


def variables_of(kind: type[BaseSettings]) -> set[str]:
    return {(str(kind.model_config.get("env_prefix", "")) + name).upper() for name in kind.model_fields}


def port_of(name: str) -> int:
    return int(CONTAINERS[name]["environment"][f"{name.upper()}_PORT"])


@pytest.fixture
def only_compose(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No setting of this machine's."""
    for kind in reference.settings_classes():
        for name in variables_of(kind):
            monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.slow
def test_the_file_is_what_the_compose_specification_allows() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_service_is_run_and_by_its_own_command() -> None:
    for name in names():
        assert CONTAINERS[name]["command"] == ["python", "-m", "services", name]


@pytest.mark.parametrize("name", names())
def test_an_operator_can_set_every_setting_of_a_service_and_a_misspelt_one_is_noticed(name: str) -> None:
    known = variables_of(Settings) | variables_of(CLASSES[name])
    given = set(CONTAINERS[name]["environment"]) - UVICORN
    assert not known - given, f"add to {name} in docker-compose.yml: {known - given}"
    assert not given - known, f"{name} has no such setting: {given - known}"


@pytest.mark.parametrize("name", names())
def test_a_service_starts_with_nothing_set_but_the_secrets(name: str, only_compose: pytest.MonkeyPatch) -> None:
    for variable, value in environment(name, SECRETS).items():
        only_compose.setenv(variable, value)
    common, own = load(Settings), load(CLASSES[name])
    assert common.kafka == f"{name}:{SECRETS[f'KAFKA_{name.upper()}_PASSWORD']}@kafka:9092"
    assert common.host == "0.0.0.0"
    if "database" in CLASSES[name].model_fields:
        dsn = own.database  # type: ignore[attr-defined]
        dsn = dsn.get_secret_value() if isinstance(dsn, SecretStr) else dsn
        password = SECRETS[f"{name.upper()}_DATABASE_PASSWORD"]
        assert dsn == f"postgresql://{name}:{password}@postgres:5432/switchboard"


def test_a_channel_without_credentials_is_off_and_says_what_it_needs(only_compose: pytest.MonkeyPatch) -> None:
    for name in ("phone", "social"):
        for variable, value in environment(name, SECRETS).items():
            only_compose.setenv(variable, value)
    assert load(PhoneSettings).why_off == "set PHONE_ACCOUNT_SID, PHONE_AUTH_TOKEN, PHONE_NUMBER"
    assert "SOCIAL_X_CONSUMER_KEY" in load(SocialSettings).missing


def test_what_an_operator_writes_in_env_reaches_the_service() -> None:
    mine = {"PHONE_NUMBER": "+33199001234", "SWITCHBOARD_DOMAIN": "example.org", "EMAIL_RELAY_HOST": "mail.example.org"}
    phone = environment("phone", SECRETS | mine)
    assert phone["PHONE_NUMBER"] == "+33199001234"
    assert phone["PHONE_PUBLIC_URL"] == "https://phone.example.org"
    assert phone["SWITCHBOARD_PUBLIC_URL"] == "https://desk.example.org"
    assert environment("email", SECRETS | mine)["EMAIL_RELAY_HOST"] == "mail.example.org"
    assert "EMAIL_RELAY_HOST" not in phone


@pytest.mark.parametrize("missing", passwords.names())
def test_without_a_secret_nothing_starts_and_the_command_that_makes_it_is_named(missing: str) -> None:
    given = {name: value for name, value in SECRETS.items() if name != missing}
    with pytest.raises(Missing, match=rf"{missing}: .*python3 -m deploy\.passwords"):
        filled_in(yaml.safe_dump(COMPOSE, width=sys.maxsize), given)


def test_a_service_holds_its_own_secrets_only() -> None:
    for name, value in SECRETS.items():
        holders = {each for each in CONTAINERS if value in str(environment(each, SECRETS))}
        if name.endswith("_DATABASE_PASSWORD"):
            assert holders == {name.removesuffix("_DATABASE_PASSWORD").lower(), "migrate", "roles"}
        elif name.startswith("KAFKA_"):
            user = name.removeprefix("KAFKA_").removesuffix("_PASSWORD").lower()
            assert holders == {"kafka", *({"broker": [], "operator": ["topics"]}.get(user, [user]))}
        elif name == "POSTGRES_PASSWORD":
            assert holders == {"postgres", "roles"}
        elif name == "GRAFANA_PASSWORD":
            assert holders == {"grafana"}
        else:
            assert holders == {*names(), "topics"}


def test_every_service_with_a_database_gets_its_role_and_its_schema() -> None:
    with_schema = {path.parent.name for path in (ROOT / "services").glob("*/migrations")}
    roles = json.loads(environment("roles", SECRETS)["SWITCHBOARD_DATABASE_PASSWORDS"])
    assert roles == {name: SECRETS[f"{name.upper()}_DATABASE_PASSWORD"] for name in with_schema}
    assert set(environment("migrate", SECRETS)) == {f"{name.upper()}_DATABASE" for name in with_schema}


@pytest.mark.parametrize("name", CONTAINERS)
def test_no_container_may_do_more_than_its_work(name: str) -> None:
    container = CONTAINERS[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert set(container.get("cap_add", [])) <= ({"NET_BIND_SERVICE"} if name == "gateway" else set())
    assert "no-new-privileges:true" in container["security_opt"]
    assert int(container["user"].split(":")[0]) > 0, "runs as root"
    assert "privileged" not in container
    assert set(container["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert container["logging"]["options"] == {"max-size": "10m", "max-file": "5"}
    assert container["stop_grace_period"]
    assert ("healthcheck" in container) is (name not in JOBS)
    assert container["restart"] == ("no" if name in JOBS else "unless-stopped")


def test_only_the_gateway_and_mail_can_be_reached_from_outside() -> None:
    assert {name for name, container in CONTAINERS.items() if "ports" in container} == {"gateway", "email"}
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("kafka", "postgres", "prometheus", "router", *JOBS):
        assert CONTAINERS[name]["networks"] == ["inside"]
    assert CONTAINERS["gateway"]["networks"] == ["outside"], "the gateway has no way to Kafka and PostgreSQL"


def test_images_are_exact() -> None:
    for name, container in CONTAINERS.items():
        image = filled_in(container["image"], {})
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+(\.\d+)?", image), f"{name}: {image}"


def test_the_engines_are_those_that_everything_is_tested_with() -> None:
    assert CONTAINERS["kafka"]["image"] == f"apache/kafka:{jars.VERSION}"
    version = re.sub(r".* ", "", postgres._version())
    assert CONTAINERS["postgres"]["image"] == CONTAINERS["roles"]["image"] == f"postgres:{version}"


def test_kafka_is_set_up_as_in_the_embedded_run(tmp_path: Path) -> None:
    users = [name.removeprefix("KAFKA_").removesuffix("_PASSWORD") for name in SECRETS if name.startswith("KAFKA_")]
    secrets = {user.lower(): SECRETS[f"KAFKA_{user}_PASSWORD"] for user in users}
    assert set(secrets) == {kafka.OPERATOR, kafka.BROKER, *names()}
    cluster = kafka.Kafka(tmp_path, port=20_000, passwords=secrets)
    sized_or_placed = {
        "controller.quorum.voters",
        "listeners",
        "advertised.listeners",
        "log.dirs",
        "broker.session.timeout.ms",
        "num.network.threads",
        "num.io.threads",
        "background.threads",
        "group.coordinator.threads",
        "share.coordinator.threads",
        "metadata.max.idle.interval.ms",
        "log.cleaner.dedupe.buffer.size",
    }
    given = environment("kafka", SECRETS)
    for setting, value in cluster.settings(cluster.nodes[0]).items():
        if setting not in sized_or_placed:
            found, meant = given[f"KAFKA_{setting.upper().replace('.', '_')}"], str(value)
            assert sorted(found.rstrip(";").split()) == sorted(meant.rstrip(";").split()), setting
    assert set(given["KAFKA_HEAP_OPTS"].split()) < set(kafka.AS_IN_COMPOSE), "the benchmark's broker is another one"


def test_databases_have_the_locale_that_the_search_is_tested_on() -> None:
    told = COMPOSE["services"]["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split()
    assert [part for part in told if not part.startswith("--auth")] == list(postgres.LOCALE)


def test_what_is_mounted_is_there() -> None:
    for name, container in CONTAINERS.items():
        for mount in container.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), f"{name} mounts {source}"
                assert mount.endswith(":ro"), f"{name} could write to {source}"
            else:
                assert source in COMPOSE["volumes"]


def test_who_keeps_files_keeps_them_on_the_same_volume() -> None:
    """The desk shows attachments that other services took in."""
    with_files = {path.parent.name for path in (ROOT / "services").glob("*/app.py") if "Storage(" in path.read_text()}
    assert {name for name in names() if "volumes" in CONTAINERS[name]} == with_files
    for name in with_files:
        assert CONTAINERS[name]["volumes"] == ["storage:/var/lib/switchboard"]
        folders = (value for value in environment(name, SECRETS).values() if value.startswith(("file://", "/")))
        assert all(folder.removeprefix("file://").startswith("/var/lib/switchboard/") for folder in folders)


def test_language_detection_finds_room_for_its_model() -> None:
    """It is unpacked in /tmp at the start. With the 64 MB that were there once, services ended
    where it was one page too large."""
    with lzma.open(Path(py3langid.__file__).parent / MODEL_FILE) as model:
        needed = model.seek(0, io.SEEK_END)
    for name in names():
        sizes = [re.search(r"^/tmp:size=(\d+)m", mount) for mount in CONTAINERS[name]["tmpfs"]]
        assert [int(size[1]) << 20 > 2 * needed for size in sizes if size] == [True]


def test_nothing_waits_for_what_never_comes() -> None:
    for name, container in CONTAINERS.items():
        for other, how in container.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in JOBS else "service_healthy"
            assert how == {"condition": wanted}, f"{name} waits for {other}"


@pytest.mark.parametrize("name", names())
def test_the_health_check_asks_the_service_s_own_port(name: str) -> None:
    assert f"http://127.0.0.1:{port_of(name)}/health/ready" in " ".join(CONTAINERS[name]["healthcheck"]["test"])


def test_the_gateway_leads_to_where_services_listen() -> None:
    text = (ROOT / "deploy/caddy/Caddyfile").read_text()
    found = dict(re.findall(r"reverse_proxy ([a-z]+):(\d+)", text))
    assert {"desk", "dashboard", "email", "phone"} <= set(found)
    for name, port in found.items():
        assert name == "grafana" or int(port) == port_of(name)
        assert "outside" in CONTAINERS[name]["networks"]
        if name != "grafana":
            assert environment(name, SECRETS)["FORWARDED_ALLOW_IPS"] == "*", (
                "or every visitor has the gateway's address"
            )
    assert len(
        re.findall(r"^[a-z]+\.\{\$SWITCHBOARD_DOMAIN:localhost\} \{\n\timport public\n", text, re.MULTILINE)
    ) == len(found)


def test_prometheus_asks_every_service_where_it_listens() -> None:
    config: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    targets = {
        target
        for job in config["scrape_configs"]
        for group in job.get("static_configs", [])
        for target in group["targets"]
    }
    ours = {target for target in targets if target.split(":")[0] in names()}
    assert ours == {f"{name}:{port_of(name)}" for name in names()}
    for target in targets - ours:
        assert target.split(":")[0] in {*CONTAINERS, "localhost"}, target


def test_the_compose_file_and_the_example_of_settings_name_the_same_variables() -> None:
    listed = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    used = set(re.findall(r"\$\{(\w+)", FILE.read_text()))
    assert used <= listed, f"add to .env.example: {used - listed}"


def test_every_module_that_compose_names_exists() -> None:
    for job in ("migrate", "topics"):
        assert CONTAINERS[job]["command"] == ["python", "-m", "services", job]
        assert callable(getattr(importlib.import_module("services.__main__"), f"_{job}"))
