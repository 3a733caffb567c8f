import re
from pathlib import Path

import pytest
import yaml

SERVICES = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())["services"]


def test_milvus_is_a_release_without_the_open_port_9091():
    image, _, tag = SERVICES["milvus"]["image"].partition(":v")

    assert image == "milvusdb/milvus"
    assert tuple(map(int, tag.split("."))) >= (2, 6, 10)


def test_only_milvus_is_published_and_only_on_the_loopback():
    assert {name: service.get("ports", []) for name, service in SERVICES.items()} == {
        "etcd": [],
        "minio": [],
        "milvus": ["127.0.0.1:19530:19530"],
    }


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_pinned_checked_and_started_again(name):
    service = SERVICES[name]

    assert re.search(r":(v\d+\.\d+\.\d+|RELEASE\.\d{4}-\d\d-\d\dT[\d-]+Z)$", service["image"])
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"


def test_milvus_waits_until_what_it_needs_is_healthy():
    assert SERVICES["milvus"]["depends_on"] == {
        "etcd": {"condition": "service_healthy"},
        "minio": {"condition": "service_healthy"},
    }


def test_milvus_opens_minio_with_the_credentials_minio_was_given():
    minio, milvus = SERVICES["minio"]["environment"], SERVICES["milvus"]["environment"]

    assert (milvus["MINIO_ACCESS_KEY_ID"], milvus["MINIO_SECRET_ACCESS_KEY"]) == (
        minio["MINIO_ROOT_USER"],
        minio["MINIO_ROOT_PASSWORD"],
    )


def test_what_the_services_keep_lies_in_named_volumes():
    volumes = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())["volumes"]

    mounted = [mount.partition(":")[0] for service in SERVICES.values() for mount in service["volumes"]]
    assert sorted(mounted) == sorted(volumes)
